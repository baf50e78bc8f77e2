"""The result of a review as text for the terminal, and as CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.captions.review.rates import ANY, MEASURES, PAPER, Rate, Summary
from ninefold.captions.review.verdicts import Verdict
from ninefold.errors import RunError
from ninefold.web.wording import MINUS, aligned, percent, quantity, span

COLUMNS = (
    "judge", "id", "relation", "frame", "subject", "object", "question", "answer", "source_span", "verdict", "note",
    "seconds", "at",
)  # fmt: skip
"""Columns of the CSV; one line for each verdict."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How cells begin that a spreadsheet would compute."""


def sentences(summary: Summary) -> list[str]:
    """Return the lines that the command prints at its end."""
    of_judges = ", ".join(f"{name} {sum(counts.values())}" for name, counts in summary.judges.items())
    lines = [
        f"{summary.judged} of {quantity(summary.sampled, 'sampled pair')} judged, {summary.skipped} skipped, of "
        f"{quantity(summary.pairs, 'pair')} in the data set" + (f" (verdicts: {of_judges})" if of_judges else "")
    ]
    if not summary.judged:
        return lines
    rows = [
        (measure, worded(summary.overall[measure]), percent(PAPER[measure]) if measure in PAPER else "–")
        for measure in MEASURES
    ]
    lines += ["", *aligned([("rate in the data set", "this set", "the paper's"), *rows]), ""]
    by_relation = [
        (row.relation or "(none)", f"{row.pairs:,}", str(row.judged), worded(row.rates[ANY]))
        for row in summary.relations
        if row.judged
    ]
    lines += aligned([("relation", "pairs", "judged", ANY), *by_relation])
    for about, found in summary.agreement.items():
        kind = "Cohen's kappa" if found.judges == 2 else "Fleiss' kappa"
        lines.append(
            f"agreement about {about}: {percent(found.raw)} of {quantity(found.items, 'pair')} with several verdicts; "
            f"{kind} {coefficient(found.kappa)} on {found.common}, Krippendorff's alpha {coefficient(found.alpha)}"
        )
    return lines


def worded(rate: Rate) -> str:
    """Return a rate with its interval, e.g. "4.0 % (2.1–7.5 %)"."""
    return "–" if rate.value is None else f"{percent(rate.value, 1)} ({span((rate.low, rate.high))})"


def coefficient(value: float | None) -> str:
    """Return a coefficient of agreement; one that is not defined as a dash."""
    return "–" if value is None else f"{value:.2f}".replace("-", MINUS)


def to_csv(rows: Sequence[tuple[str, Verdict, Mapping[str, Any]]]) -> str:
    """Return verdicts as CSV. A cell that a spreadsheet would take for a formula has an apostrophe before it.

    Args:
        rows: Judge, verdict and the columns of the pair, for each line.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for judge, verdict, pair in rows:
        values = {**pair, "judge": judge, "verdict": verdict.verdict, "note": verdict.note, "at": verdict.at}
        values |= {"id": verdict.id, "seconds": round(verdict.seconds, 1)}
        writer.writerow([_harmless(values[name]) for name in COLUMNS])
    return buffer.getvalue()


def export(path: Path, content: str) -> None:
    """Write a CSV of verdicts; only an earlier one is replaced.

    Raises:
        RunError: If something else is there.
    """
    if path.exists():
        head = ",".join(COLUMNS)
        is_own = path.is_file() and path.open("rb").read(len(head)).decode(errors="replace") == head
        if not is_own:
            raise RunError(
                f"{path}: holds something else than exported verdicts, so it is not replaced; choose another"
            )
    store.write_text(path, content)


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
