import contextlib
import io
import logging
import re
import time

import pytest

from ninefold import console


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def debugging():
    console.show_debugging()
    yield
    console.show_debugging(False)


def test_all_is_shown_on_a_terminal():
    with contextlib.redirect_stderr(Terminal()) as terminal:
        console.say("making the set")
        console.warn("[red] is no color here")
        console.debug("chosen: 4")
        assert terminal.getvalue() == "making the set\n[red] is no color here\n"
        assert list(console.track(range(3), "rows")) == [0, 1, 2]
    assert "rows" in terminal.getvalue()
    assert "3/3" in terminal.getvalue()


def test_milestones_and_warnings_alone_are_shown_in_a_pipe():
    with contextlib.redirect_stderr(io.StringIO()) as pipe:
        console.say("making the set")
        console.milestone("epoch 1 of 4")
        console.warn("half precision is not available")
        assert list(console.track(range(3), "rows")) == [0, 1, 2]
    assert pipe.getvalue() == "epoch 1 of 4\nhalf precision is not available\n"


def test_long_work_prints_lines_in_a_pipe_even_between_two_steps(monkeypatch):
    monkeypatch.setattr(console, "LINE_SECONDS", 0.02)
    with contextlib.redirect_stderr(io.StringIO()) as pipe, console.progress() as bar:
        task = bar.add_task("predict", total=1296, completed=200)
        bar.tasks[0].start_time -= 60
        time.sleep(0.1)
        bar.update(task, advance=100)
        time.sleep(0.1)
        bar.update(task, completed=1296)
        time.sleep(0.05)
        seen = len(pipe.getvalue())
        time.sleep(0.1)
    lines = pipe.getvalue().splitlines()
    assert lines[0] == "predict: 200 of 1,296 (15 %), 0:01:00 so far"
    assert re.fullmatch(r"predict: 300 of 1,296 \(23 %\), 0:01:0\d so far, 0:(09:5|10:[0-3])\d left", lines[-1])
    assert len(pipe.getvalue()) == seen
    with contextlib.redirect_stderr(io.StringIO()) as pipe:
        assert list(console.track(iter(range(3)), "rows", shown=False)) == [0, 1, 2]
    assert pipe.getvalue() == ""


def test_items_are_counted_in_a_pipe(monkeypatch):
    monkeypatch.setattr(console, "LINE_SECONDS", 0.02)
    with contextlib.redirect_stderr(io.StringIO()) as pipe:
        for item in console.track(range(40), "rows"):
            if item in {10, 30}:
                until = time.monotonic() + 2
                while f"rows: {item} of 40" not in pipe.getvalue() and time.monotonic() < until:
                    time.sleep(0.01)
    assert "rows: 30 of 40 (75 %)" in pipe.getvalue()


def test_a_bar_that_is_not_wanted_is_hidden():
    with contextlib.redirect_stderr(Terminal()) as terminal:
        assert list(console.track(range(3), "rows", shown=False)) == [0, 1, 2]
    assert terminal.getvalue() == ""


def test_debugging_shows_all_levels_in_a_pipe_with_the_sender(debugging):
    with contextlib.redirect_stderr(io.StringIO()) as pipe:
        console.say("making the set")
        logging.getLogger("ninefold.models").debug("batch of %d", 4)
    first, second = pipe.getvalue().splitlines()
    assert first.endswith("info test_console: making the set")
    assert second.endswith("debug test_console: batch of 4")


def test_messages_appear_above_a_running_bar():
    with contextlib.redirect_stderr(Terminal()) as terminal, console.progress() as bar:
        bar.add_task("rows", total=2)
        console.say("one row is skipped")
    assert "rows" in terminal.getvalue().partition("one row is skipped\n")[2]


def test_messages_reach_handlers_of_a_user(caplog):
    with caplog.at_level(logging.INFO, logger="ninefold"):
        console.say("making the set")
    assert caplog.messages == ["making the set"]
