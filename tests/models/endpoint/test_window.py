import threading
import time

import pytest

from ninefold.models.endpoint import window as window_of_requests
from ninefold.models.endpoint.connection import Response, Unanswered
from ninefold.models.endpoint.window import Window


class Clock:
    """A clock that stands still unless a test moves it."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(window_of_requests, "time", clock)
    return clock


def answer(status: int = 200) -> Response:
    return Response(status, "", {}, b"x" * 500)


def after(clock: Clock, seconds: float, status: int = 200) -> Response:
    clock.now += seconds
    return answer(status)


def test_bound_doubles_while_all_is_quick_and_stops_at_its_most(clock):
    window = Window(20)
    bounds = [window.bound]
    for _ in range(100):
        window.through(lambda: after(clock, 0.1))
        bounds.append(window.bound)
    assert sorted(set(bounds)) == [4, 8, 16, 20]


@pytest.mark.parametrize("status", [429, 503, None])
def test_overload_halves_it_and_then_it_grows_by_one(clock, status):
    def fail() -> Response:
        if status is None:
            raise Unanswered("no answer")
        return answer(status)

    window = Window(64)
    window.bound, clock.now = 32, 1.0
    try:
        window.through(fail)
    except Unanswered:
        assert status is None
    assert window.bound == 16
    for _ in range(16):
        window.through(lambda: after(clock, 0.1))
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


def test_slow_answers_and_refusals_leave_it(clock):
    window = Window(64)
    for _ in range(4):
        window.through(lambda: after(clock, 0.1))
    assert window.bound == 8
    for _ in range(8):
        window.through(lambda: after(clock, 0.3))
    for _ in range(8):
        window.through(lambda: after(clock, 0.1, status=400))
    assert window.bound == 8
    for _ in range(8):
        window.through(lambda: after(clock, 0.15))
    assert window.bound == 9


def test_no_more_requests_at_once_than_the_bound():
    window, now, most = Window(64), [0], [0]
    window.bound = window.most = 3

    def request() -> Response:
        now[0] += 1
        most[0] = max(most[0], now[0])
        time.sleep(0.005)
        response = answer()
        now[0] -= 1
        return response

    threads = [threading.Thread(target=window.through, args=(request,)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= 3
