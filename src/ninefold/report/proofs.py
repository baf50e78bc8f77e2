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
class Part:
    """What is proven of one split."""

    name: str
    """The split."""
    rows: int
    """How many examples it has."""
    bound: str
    """What a reader of the text alone can reach."""
    exact: tuple[str, ...]
    """Factors whose combinations all occur equally often."""
    uneven: tuple[str, ...]
    """Factors whose combinations do not, with the rarest and most frequent count."""
    facts: tuple[str, ...]
    """What holds of every row."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The certificate of one data set."""

    name: str
    """What the set's folder is called."""
    missing: str
    """Why there is no certificate; empty where there is one."""
    parts: tuple[Part, ...] = ()
    """What it says of each split."""
    limits: tuple[str, ...] = ()
    """What it does not say."""


def proofs(runs: Iterable[Run]) -> list[Proof]:
    """Return the certificate of each data set that the runs name, in the order they name them."""
    folders = dict.fromkeys(run.data_folder for run in runs)
    return [_proof(folder) for folder in folders if folder]


def _proof(folder: Path) -> Proof:
    try:
        certificate = read_json(folder / "certificate.json")
    except RunError as error:
        return Proof(folder.name, f"There is no certificate to show: {error}.")
    parts = tuple(_part(name, part) for name, part in certificate["splits"].items())
    return Proof(folder.name, "", parts, tuple(certificate["limits"]))


def _part(name: str, part: Mapping[str, Any]) -> Part:
    return Part(
        name,
        part["rows"],
        _bound(part),
        tuple(_factors(table) for table in part["marginals"] if table["exact"]),
        tuple(
            f"{_factors(table)} ({count(table['min'])} to {count(table['max'])} each)"
            for table in part["marginals"]
            if not table["exact"]
        ),
        tuple(fact["fact"] for fact in part["facts"]),
    )


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


def _factors(table: Mapping[str, Any]) -> str:
    return " × ".join(name.replace("_", " ") for name in table["factors"])
