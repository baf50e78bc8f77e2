"""docs/python.md runs as it stands: its blocks of Python and of the command line, in order, in an empty folder."""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from ninefold.cli import main
from ninefold.data.sources.catalog import SOURCES
from ninefold.models.registry import REGISTERED
from ninefold.questions.catalog import FORMATS, QUESTIONS

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)\n")


def promised(code):
    """Return what the comments of a block say that its prints show, each up to its first "..."."""
    return [said.split("...")[0].strip() for said in re.findall(r"^ *print\(.*\)  # (.*)$", code, re.MULTILINE)]


@pytest.fixture
def nothing_registered():
    """Forget what the page registers, and its module. Recipes of other tests may have registered models."""
    before = [(table, dict(table)) for table in (REGISTERED, QUESTIONS, FORMATS, SOURCES)]
    REGISTERED.clear()
    yield
    sys.modules.pop("my_things", None)
    for table, held in before:
        table.clear()
        table.update(held)


def test_the_page_runs_from_nothing_to_a_report(tmp_path, monkeypatch, nothing_registered):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = {}
    for language, code in BLOCK.findall(PAGE.read_text()):
        file = FILE.match(code)
        if file is not None:
            Path(file[1]).write_text(code)
            continue
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            if language == "python":
                exec(compile(code, f"{PAGE.name}: {code[:40]!r}", "exec"), names)
            else:
                for command in code.splitlines():
                    main(shlex.split(command, comments=True)[1:])
        for said in promised(code):
            assert said in shown.getvalue()
    assert Path("report.html").stat().st_size > 10_000
