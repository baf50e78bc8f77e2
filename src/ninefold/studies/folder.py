"""The study folder: what is where in it, its README, and how it is recognized."""

from pathlib import Path

from ninefold import store
from ninefold.errors import RunError
from ninefold.report.output import is_by_this_version
from ninefold.runs.study import FIGURES, REPORT, RUNS, STUDY, TABLES

LOGS = "logs"
"""Folder of what worker processes print."""
LOCK = ".lock"
"""File that is there while a process works on the study."""
README = "README.md"
"""What each file and folder is."""

ABOUT = """\
# Study `{name}`

`ninefold study` works in this folder. After any interruption the command that began it goes on from what is here:

| | |
| --- | --- |
| `study.json` | models, conditions, seeds, tests, and the folder of every run |
| `data/`, `images/` | the data sets, each with a card and a certificate |
| `runs/MODEL/` | a folder for each training, evaluation and probe: settings, adapter, predictions, scores |
| `report.html` | the report over all runs; open it in a browser |
| `tables/`, `figures/` | the paper's tables (CSV, LaTeX, Markdown) and figures (PDF, PNG, SVG) |
| `logs/` | what worker processes printed |

`ninefold study status DIR` shows what is done, `ninefold study report DIR` writes report, tables and figures again.
"""


def begin(out: Path, name: str) -> None:
    """Make the folder of a study, or recognize it.

    Raises:
        RunError: If it holds something else than a study, or another study.
    """
    if (out / STUDY).exists():
        # All else in it is written again.
        there = store.read_json(out / STUDY).get("name")
        if there != name:
            raise RunError(f"{out}: holds the study {there}, asked {name}; choose another --out")
        return
    about = ABOUT.format(name=name)
    if _is(out / README, about):
        return
    if out.exists() and any(not _may_precede(entry) for entry in out.iterdir()):
        raise RunError(f"{out}: holds something else than a study; choose another --out")
    store.write_text(out / README, about)


def _is(path: Path, content: str) -> bool:
    """Whether a file holds a text: with its README, a study without record is recognized."""
    return path.is_file() and path.read_bytes() == content.encode()


def is_reported(out: Path) -> bool:
    """Return whether the report shows everything: its page, written last, is newer than all files that it shows."""
    page = out / REPORT
    if not is_by_this_version(page):
        return False
    shown = [path for part in (RUNS, "data") for path in (out / part).rglob("*") if path.is_file()]
    # A table or figure that was removed makes its folder newer.
    parts = (out / STUDY, out / TABLES, out / FIGURES, *shown)
    written = page.stat().st_mtime_ns
    return all(path.exists() and path.stat().st_mtime_ns < written for path in parts)


def _may_precede(entry: Path) -> bool:
    """Whether a study that was killed at its very beginning may have left a file."""
    return store.is_temporary(entry) or entry.name in {README, LOCK}
