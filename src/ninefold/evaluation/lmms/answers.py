"""The file of answers that the plug-in writes while lmms-eval runs, so that an interrupted run goes on from it.

lmms-eval's own cache is written only after the last answer. One line per request, in chunks of a fixed size.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from ninefold.errors import RunError
from ninefold.evaluation import lines

CHUNK = 128
"""Number of requests that are answered and saved together."""


class Answered(TypedDict):
    """A line of the file."""

    id: str
    """Task and number of the row, as in "mme/17"."""
    prompt: str
    """The text that was asked."""
    images: int
    """Number of images of the request."""
    text: str
    """The model's exact text."""
    truncated: bool
    """Whether the token limit cut it off."""
    document: Mapping[str, Any]
    """Fields of the task's row that are no images."""


def read(path: Path, total: int) -> list[Answered]:
    """Return the answers of a file's complete chunks, in order; what a kill left of another is removed.

    Args:
        path: The file; it may not exist yet.
        total: Number of requests: the last chunk may be shorter than the others.
    """
    kept = len(lines.recover(path, 1))
    if kept != total:
        kept = len(lines.recover(path, CHUNK))
    return read_all(path)[:kept]


def read_all(path: Path) -> list[Answered]:
    """Return all answers of a file, in order.

    Raises:
        RunError: If there is none.
    """
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_bytes().splitlines()]
    except ValueError as error:
        raise RunError(f"{path}: not as it was written; delete the run folder, and evaluate again") from error


def append(path: Path, answers: Sequence[Answered]) -> None:
    """Append answers, which then outlive a kill."""
    with path.open("ab") as file:
        lines.append(file, (json.dumps(answer) + "\n" for answer in answers))


def check(path: Path, answer: Answered, id: str, document: Mapping[str, Any]) -> None:
    """Refuse a stored answer to another row: of another task, or asked before the task's data changed.

    Raises:
        RunError: If it is one.
    """
    asked = json.dumps([id, flat(document)])
    if json.dumps([answer["id"], answer["document"]]) != asked:
        raise RunError(f"{path}: holds an answer to another row than {id}, whose data have changed; delete the file")


def flat(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a task's row that are text, numbers, or lists of them; images are left out."""
    return {name: value for name, value in document.items() if _is_plain(value)}


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or isinstance(value, str | int | float | bool)
