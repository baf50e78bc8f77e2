"""What is proven of the data sets behind a report, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import RunError
from ninefold.report.runs import Run
from ninefold.report.wording import count, percent
from ninefold.store import read_json


@dataclass(frozen=True, slots=True)
class Proof:
    """The certificate of one data set."""

    name: str
    """What the set is called."""
    statements: tuple[str, ...]
    """What it says, a sentence each."""
    certificate: Mapping[str, Any]
    """All of it; empty where it is missing."""
    missing: str
    """Why it is missing; empty where it is not."""


def proofs(runs: Iterable[Run]) -> list[Proof]:
    """Return the certificate of each data set that the runs name, in the order they name them."""
    folders = dict.fromkeys(folder for run in runs if (folder := run.data_folder))
    return [_proof(folder) for folder in folders]


def _proof(folder: Path) -> Proof:
    try:
        certificate = read_json(folder / "certificate.json")
    except RunError as error:
        return Proof(folder.name, (), {}, f"No certificate: {error}.")
    return Proof(folder.name, tuple(_statements(certificate)), certificate, "")


def _statements(certificate: Mapping[str, Any]) -> list[str]:
    return [f"{count(0)} {percent(0)}"]
