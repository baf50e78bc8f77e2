"""The rows of VSR's official files, checked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ninefold.data.sources.benchmarks.official import AGAIN, value_of
from ninefold.data.sources.coco.ids import photo_id
from ninefold.errors import DataError


class Row(NamedTuple):
    """A row of an official file."""

    number: int
    """Number of its line, from 1."""
    image: str
    """File name of the photo."""
    caption: str
    """The statement."""
    label: int
    """1 if it is true, 0 if it is false."""
    relation: str
    """The relation that it claims."""
    subject: str | None
    """The first thing; None in the random split."""
    object: str | None
    """The second thing; None in the random split."""
    votes_true: int
    """Validators who took it for true."""
    votes_false: int
    """Validators who took it for false."""


def row_of(number: int, row: Mapping[str, Any], path: Path) -> Row:
    """Return an official row, checked.

    Raises:
        DataError: If a field is missing, or not as it is shipped.
    """
    where = f"{path}: line {number}"
    image = value_of(row, "image", str, where)
    label = value_of(row, "label", int, where)
    if photo_id(image) is None:
        raise DataError(f"{where}: image is {image!r:.60}, not the name of a COCO photo; {AGAIN}")
    if label not in {0, 1}:
        raise DataError(f"{where}: label is {label}, neither 0 nor 1; {AGAIN}")
    subject, thing = (value_of(row, name, str, where) if name in row else None for name in ("subj", "obj"))
    return Row(
        number,
        image,
        value_of(row, "caption", str, where),
        label,
        value_of(row, "relation", str, where),
        subject,
        thing,
        *(_votes(row, f"vote_{vote}_validator_id", where) for vote in ("true", "false")),
    )


def _votes(row: Mapping[str, Any], name: str, where: str) -> int:
    """Return the number of votes; the official files hold the list of validators as a string, such as "[18, 2]"."""
    text = value_of(row, name, str, where)
    try:
        votes = json.loads(text)
    except ValueError:
        votes = None
    if not isinstance(votes, list):
        raise DataError(f"{where}: {name} is {text!r:.60}, not a list of validators; {AGAIN}")
    return len(votes)
