"""What a path holds instead of what was asked for, in words for a message."""

from pathlib import Path

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout, study

DATA_SET = "a data set"
EVALUATION = "an evaluation"
PROBE = "a probe"
RUN = "a run"
STUDY = "a study"
UNFINISHED = f"is an evaluation that is not finished (no {layout.PREDICTIONS})"

_MADE = {layout.SPEC: RUN, "manifest.json": DATA_SET, study.STUDY: STUDY}
"""The file by which each kind of folder is known."""

_KINDS = {"evaluation": EVALUATION, "training": "a training run", "probe": PROBE}

SHOWN = 5
"""Largest number of folders that a message names."""


def instead(path: Path, wanted: str, advice: str) -> str:
    """Return a message about a path that is not what is needed, such as "runs/a: is a training run, not an evaluation".

    Args:
        path: The path that was given.
        wanted: What is needed: `DATA_SET`, `EVALUATION`, `PROBE` or `RUN`.
        advice: What to do, where nothing nearer is known.
    """
    what = _what(path, wanted)
    if what == UNFINISHED:
        advice = "repeat its command with the same --out to finish it"
    elif wanted == RUN and what.startswith(f"is {STUDY},"):
        advice = f"its report is made by `ninefold study report {path}`"
    elif what.startswith("holds"):
        advice = "name one of them"
    elif "," in str(path) and not path.exists():
        advice = "separate several paths with spaces, not commas"
    return f"{path}: {what}; {advice}"


def _what(path: Path, wanted: str) -> str:
    if not path.exists():
        return "no such folder"
    if not path.is_dir():
        return f"is a file, where {wanted} is a folder"
    kind = _kind(path)
    if kind is not None:
        return UNFINISHED if kind == wanted == EVALUATION else f"is {kind}, not {wanted}"
    inside = sorted(child.name for child in path.iterdir() if child.is_dir() and _is(_kind(child), wanted))
    if inside:
        more = ", ..." if len(inside) > SHOWN else ""
        return f"holds {', '.join(inside[:SHOWN])}{more}, and is not {wanted} itself"
    file = next(name for name, made in _MADE.items() if made == (DATA_SET if wanted == DATA_SET else RUN))
    return f"not {wanted} of ninefold (no {file})"


def _is(kind: str | None, wanted: str) -> bool:
    return kind == wanted or (wanted == RUN and kind not in {None, DATA_SET, STUDY})


def _kind(folder: Path) -> str | None:
    """Return what ninefold wrote to a folder; None if it is something else."""
    kind = next((made for name, made in _MADE.items() if (folder / name).is_file()), None)
    if kind != RUN:
        return kind
    try:
        found = store.read_json(folder / layout.SPEC).get("kind")
    except RunError:
        return RUN
    return _KINDS.get(str(found), RUN)
