"""Summaries of the certificates of a report's data sets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ninefold.errors import RunError
from ninefold.report.test_sets import Run
from ninefold.store import read_json
from ninefold.web.wording import count, percent


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """The summary of one split's certificate."""

    name: str
    """Name of the split."""
    rows: int
    """Number of examples."""
    bound: str
    """The best accuracy from the text alone, in a sentence."""


@dataclass(frozen=True, slots=True)
class CertificateSummary:
    """The summary of one data set's certificate."""

    name: str
    """Name of the data set's folder."""
    missing: str
    """Reason for a missing certificate; empty if there is one."""
    splits: tuple[SplitSummary, ...] = ()
    """Its splits."""
    statements: tuple[str, ...] = ()
    """All facts as sentences: what is exact, what is not, and by how much."""
    limits: tuple[str, ...] = ()
    """Limits of the certificate, as sentences."""


def summaries(runs: Iterable[Run]) -> list[CertificateSummary]:
    """Return the summary for each data set of the runs, in order of first use."""
    return of_folders(dict.fromkeys(folder for run in runs for folder in run.data_folders))


def of_folders(folders: Iterable[Path]) -> list[CertificateSummary]:
    """Return the summary for each of these data sets."""
    return [_summary(folder) for folder in folders]


def _summary(folder: Path) -> CertificateSummary:
    path = folder / "certificate.json"
    try:
        certificate = read_json(path)
        splits = tuple(SplitSummary(name, part["rows"], _bound(part)) for name, part in certificate["splits"].items())
        return CertificateSummary(
            folder.name, "", splits, tuple(certificate["statements"]), tuple(certificate["limits"])
        )
    except RunError as error:
        return CertificateSummary(folder.name, f"There is no certificate to show: {error}.")
    except (KeyError, TypeError, AttributeError, StopIteration):
        return CertificateSummary(
            folder.name, f"There is no certificate to show: {path} is not in the format of this version."
        )


def _bound(part: Mapping[str, Any]) -> str:
    view = next(view for view in part["text_only"] if view["view"] == "prompt")
    right, rows = view["numerator"], view["denominator"]
    fraction = f"{count(right)} of {count(rows)} = {view['reduced']} ({percent(right / rows, 1)})"
    if view["texts"] == rows:
        return f"Each text occurs only once, so the bound on text-only accuracy, {fraction}, says nothing."
    bits = f"{view['mutual_information_bits']:g}"
    return (
        f"Without the image, no method that reads only the text can answer more than {fraction} correctly;"
        f" the mutual information of text and answer is {bits} bits."
    )
