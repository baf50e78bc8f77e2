import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ninefold.captions.engines.endpoint.responses import Response, Responses
from ninefold.errors import DataError


def response(number: int) -> Response:
    return Response(f"text {number}", prompt_tokens=number, completion_tokens=2)


def test_many_threads_ask_each_key_once(tmp_path: Path):
    kept = Responses(tmp_path / "responses")
    asked: list[int] = []

    def get(index: int) -> Response:
        number = index % 40

        def ask() -> Response:
            asked.append(number)
            return response(number)

        return kept.get_or_ask(str(number), ask)

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(get, range(400)))
    assert sorted(asked) == list(range(40))
    assert found == [response(index % 40) for index in range(400)]
    assert (kept.usage.paid, kept.usage.reused, kept.total().paid) == (40, 360, 40)


def test_error_reaches_all_who_wait_and_is_not_kept(tmp_path: Path):
    kept, waits, go = Responses(None), threading.Event(), threading.Event()

    def fail() -> Response:
        waits.set()
        go.wait(5)
        raise ValueError("refused")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(kept.get_or_ask, "a", fail)
        waits.wait(5)
        second = pool.submit(kept.get_or_ask, "a", fail)
        go.set()
        assert str(first.exception()) == str(second.exception()) == "refused"
    assert kept.get_or_ask("a", lambda: response(1)) == response(1)


def _fill(path: Path) -> None:
    kept = Responses(path)
    for number in range(9):
        kept.get_or_ask(str(number), lambda number=number: response(number))


def test_processes_share_a_file(tmp_path: Path):
    path = tmp_path / "responses"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_fill, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    kept = Responses(path)
    assert all(kept.get_or_ask(str(number), pytest.fail).text == f"text {number}" for number in range(9))


def test_any_text_is_kept_as_it_is(tmp_path: Path):
    odd = Response("a\x00b\n\u2028\U0001f600", truncated=True, refused="filter")
    Responses(tmp_path / "responses").get_or_ask("key", lambda: odd)
    assert Responses(tmp_path / "responses").get_or_ask("key", pytest.fail) == odd


@pytest.mark.parametrize(
    "content", [b"no database at all, but some text" * 100, b"SQLite format 3\x00" + b"\xff" * 4000]
)
def test_broken_file_is_one_line_with_what_to_do(tmp_path: Path, content: bytes):
    path = tmp_path / "responses"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"not readable as the file of paid responses \(.*\); move it away"):
        Responses(path)
    assert path.read_bytes() == content


def test_torn_page_is_one_line(tmp_path: Path):
    path = tmp_path / "responses"
    _fill(path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(DataError, match="not readable as the file of paid responses"):
        Responses(path).get_or_ask("7", lambda: response(7))


def test_place_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "responses").mkdir()
    with pytest.raises(DataError, match="check the disk and the permissions"):
        Responses(tmp_path / "responses")
