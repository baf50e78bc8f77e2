import threading
import time

import pytest

from ninefold.models.endpoint.connection import Response, Unanswered
from ninefold.models.endpoint.window import Window


def answer(status: int = 200, seconds: float = 0.0) -> Response:
    time.sleep(seconds)
    return Response(status, "", {}, b"x" * 500)


def test_bound_doubles_while_all_is_quick_and_stops_at_its_most():
    window = Window(20)
    bounds = [window.bound]
    for _ in range(100):
        window.through(answer)
        bounds.append(window.bound)
    assert sorted(set(bounds)) == [4, 8, 16, 20]


@pytest.mark.parametrize("status", [429, 503, None])
def test_overload_halves_it_and_then_it_grows_by_one(status):
    def fail() -> Response:
        if status is None:
            raise Unanswered("no answer")
        return answer(status)

    window = Window(64)
    window.bound = 32
    try:
        window.through(fail)
    except Unanswered:
        assert status is None
    assert window.bound == 16
    for _ in range(16):
        window.through(answer)
    assert window.bound == 17


def test_requests_under_way_together_halve_it_once():
    window = Window(64)
    window.bound = 8
    together = threading.Barrier(8)

    def fail() -> Response:
        together.wait(5)
        return answer(429)

    threads = [threading.Thread(target=window.through, args=(fail,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert window.bound == 4


def test_slow_answers_and_refusals_leave_it():
    window = Window(64)
    for _ in range(4):
        window.through(lambda: answer(seconds=0.001))
    assert window.bound == 8
    for _ in range(8):
        window.through(lambda: answer(seconds=0.01))
    for _ in range(8):
        window.through(lambda: answer(400))
    assert window.bound == 8


def test_no_more_requests_at_once_than_the_bound():
    window, now, most = Window(64), [0], [0]
    window.bound = window.most = 3

    def request() -> Response:
        now[0] += 1
        most[0] = max(most[0], now[0])
        response = answer(seconds=0.005)
        now[0] -= 1
        return response

    threads = [threading.Thread(target=window.through, args=(request,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
