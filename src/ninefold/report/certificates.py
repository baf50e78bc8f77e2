"""What is proven of the data sets behind a report, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import RunError
from ninefold.report.test_sets import Run
from ninefold.report.wording import count, percent
from ninefold.store import read_json


@dataclass(frozen=True, slots=True)
class SplitProof:
    """What is proven of one split."""

    name: str
    """The split."""
    rows: int
    """How many examples it has."""
    bound: str
    """What a reader of the text alone can reach."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The certificate of one data set."""

    name: str
    """What the set's folder is called."""
    missing: str
    """Why there is no certificate; empty where there is one."""
    parts: tuple[SplitProof, ...] = ()
    """What it says of each split."""
    statements: tuple[str, ...] = ()
    """All it says, in sentences: what is exact, and what is not and by how much."""
    limits: tuple[str, ...] = ()
    """What it does not say."""


def proofs(runs: Iterable[Run]) -> list[Proof]:
    """Return the certificate of each data set that the runs name, in the order they name them."""
    return [_proof(folder) for folder in dict.fromkeys(folder for run in runs for folder in run.data_folders)]


def _proof(folder: Path) -> Proof:
    path = folder / "certificate.json"
    try:
        certificate = read_json(path)
        parts = tuple(SplitProof(name, part["rows"], _bound(part)) for name, part in certificate["splits"].items())
        return Proof(folder.name, "", parts, tuple(certificate["statements"]), tuple(certificate["limits"]))
    except RunError as error:
        return Proof(folder.name, f"There is no certificate to show: {error}.")
    except (KeyError, TypeError, AttributeError, StopIteration):
        return Proof(folder.name, f"There is no certificate to show: {path} is not in the format of this version.")


def _bound(part: Mapping[str, Any]) -> str:
    view = next(view for view in part["text_only"] if view["view"] == "prompt")
    right, rows = view["numerator"], view["denominator"]
    fraction = f"{count(right)} of {count(rows)} = {view['reduced']} ({percent(right / rows, 1)})"
    if view["texts"] == rows:
        return f"Every text occurs once, so that the bound on what text alone gives away, {fraction}, says nothing."
    return (
        f"Who reads the text and never sees the picture can have at most {fraction} right;"
        f" text and answer share {view['mutual_information_bits']:g} bits."
    )
