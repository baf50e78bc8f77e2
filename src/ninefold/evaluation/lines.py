"""The file of answers while a run goes on, ``predictions.jsonl``: one line per example, safe against kills."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from ninefold.errors import DataError, RunError
from ninefold.evaluation import predictions
from ninefold.types import Example, Prediction


def line(example: Example, prediction: Prediction) -> str:
    """Return the line of an answer, with its question and its factors.

    Raises:
        DataError: If a factor has the name of a column of its own.
    """
    taken = sorted(predictions.RESERVED & example.factors.keys())
    if taken:
        raise DataError(f"example {example.id}: factor {taken[0]!r} has the name of a column of every prediction")
    row = asdict(prediction) | {name: getattr(example, name) for name in predictions.ASKED} | dict(example.factors)
    if prediction.refused is None:
        del row[predictions.REFUSED]
    return json.dumps(row) + "\n"


def append(file: BinaryIO, added: Iterable[str], *, synced: bool = True) -> None:
    """Append lines to a file, which then outlive this process; ``synced`` ones outlive the machine too."""
    file.write("".join(added).encode())
    file.flush()
    if synced:
        os.fsync(file.fileno())


def recover(path: Path, chunk: int) -> list[str]:
    """Truncate a file to its complete chunks of lines, and return the ids of their examples.

    Raises:
        RunError: If something else than a file is there, such as a pipe, which would never end.
    """
    if path.exists() and not path.is_file():
        raise RunError(f"{path}: is no file; delete it and run the command again")
    found = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    ids: list[str] = []
    for each in found:
        try:
            ids.append(json.loads(each if each.endswith(b"\n") else b"")["id"])
        except (ValueError, KeyError, TypeError):  # incomplete, or not JSON of this format
            break
    whole = len(ids) - len(ids) % chunk
    if found:
        os.truncate(path, sum(map(len, found[:whole])))
    return ids[:whole]


def refused(path: Path) -> frozenset[str]:
    """Return the ids of the examples to which a file holds a refusal instead of an answer."""
    rows = map(json.loads, path.read_bytes().splitlines())
    return frozenset(row["id"] for row in rows if row.get(predictions.REFUSED) is not None)
