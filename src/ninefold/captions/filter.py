"""Filters compared: the verdicts of two on the same captions, and each one's against labels made by hand (Table 8)."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ninefold.analysis.agreement import cohen_kappa
from ninefold.analysis.statistics import wilson
from ninefold.captions.sources.rows import check_file
from ninefold.captions.statistics.published import TABLE_8
from ninefold.errors import DataError, first_line
from ninefold.web.wording import hundredths, quantity

YES, NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
"""Words of a label, in lower case."""

Verdicts = Mapping[str, bool | None]
"""The verdict on each caption, by its id; None if there is none."""


@dataclass(frozen=True)
class Share:
    """A proportion with its interval."""

    value: float
    """The proportion; nan if it has no base."""
    low: float
    """Lower bound of the interval (95 %)."""
    high: float
    """Upper bound of the interval."""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return "–"
        return f"{hundredths(self.value)} ({hundredths(self.low)}–{hundredths(self.high)})"


@dataclass(frozen=True)
class Scores:
    """What a filter's verdicts are worth, by labels; a caption without a verdict counts as one without a relation.

    All intervals are Wilson's. F1 is 2 J / (1 + J), where J is the share of true positives among all captions that are
    positive in verdict or label, so that its interval is that of J.
    """

    accuracy: Share
    precision: Share
    recall: Share
    f1: Share


def scores(verdicts: Verdicts, labels: Mapping[str, bool]) -> Scores:
    """Return the scores of verdicts on the captions that have a label."""
    counted = Counter((bool(verdicts[name]), label) for name, label in labels.items() if name in verdicts)
    right, wrong, missed = counted[True, True], counted[True, False], counted[False, True]
    overlap = _share(right, right + wrong + missed)
    f1 = Share(*(2 * bound / (1 + bound) for bound in (overlap.value, overlap.low, overlap.high)))
    return Scores(
        _share(right + counted[False, False], counted.total()),
        _share(right, right + wrong),
        _share(right, right + missed),
        f1,
    )


def agreement(one: Verdicts, other: Verdicts) -> tuple[Share, float | None]:
    """Return the share of captions on which two filters agree, and Cohen's kappa; of those that both have judged."""
    both = [(one[name], other[name]) for name in one if name in other and None not in (one[name], other[name])]
    return _share(sum(a == b for a, b in both), len(both)), cohen_kappa(both)


def read_labels(path: Path) -> dict[str, bool]:
    """Return the labels of a csv or jsonl file with the fields id and label (yes or no).

    Raises:
        DataError: If it is broken, or labels a caption in both ways.
    """
    check_file(path)
    labels: dict[str, bool] = {}
    try:
        for line, row in _rows(path):
            name, label = row.get("id"), row.get("label")
            if name is None or label is None:
                raise DataError(f"{path}, line {line}: no id or no label; write the fields id and label")
            word = str(label).strip().lower()
            if word not in YES | NO:
                raise DataError(f"{path}, line {line}: label {word[:40]!r}; write yes or no")
            if labels.setdefault(str(name), word in YES) != (word in YES):
                raise DataError(f"{path}, line {line}: {name} is labelled yes and no; delete one of its lines")
    except (UnicodeDecodeError, csv.Error, RecursionError) as error:
        raise DataError(f"{path}: not readable as csv or jsonl ({first_line(error)})") from error
    if not labels:
        raise DataError(f"{path}: holds no labels; write the fields id and label, a caption a line")
    return labels


def table(judged: Mapping[str, Verdicts], labels: Mapping[str, bool] | None = None) -> str:
    """Return the verdicts of one or two filters, how they agree, and their scores, in lines of text."""
    lines = [f"{'verdicts':22} {'yes':>8} {'no':>8} {'none':>8}"]
    for name, verdicts in judged.items():
        counts = Counter(verdicts.values())
        lines.append(f"{_short(name):22} {counts[True]:8,} {counts[False]:8,} {counts[None]:8,}")
    if len(judged) == 2:
        lines += ["", *_compared(*judged.values())]
    if labels is not None:
        lines += ["", *_scored(judged, labels)]
    return "\n".join(lines)


def _compared(one: Verdicts, other: Verdicts) -> Iterator[str]:
    share, kappa = agreement(one, other)
    crossed = Counter((one[name], other[name]) for name in one)
    yield f"agreement {share} %, Cohen's kappa {'–' if kappa is None else f'{kappa:.2f}'}"
    yield (
        f"  both yes {crossed[True, True]:,}, both no {crossed[False, False]:,}, only the first one yes"
        f" {crossed[True, False]:,}, only the second one {crossed[False, True]:,}"
    )


def _scored(judged: Mapping[str, Verdicts], labels: Mapping[str, bool]) -> Iterator[str]:
    known = next(iter(judged.values()))
    found = [label for name, label in labels.items() if name in known]
    if not found:
        raise DataError("none of the labels belongs to a caption that was read; write the captions' ids in the labels")
    others = len(labels) - len(found)
    missing = f"; {quantity(others, 'label')} of no caption" if others else ""
    yield f"against {quantity(len(found), 'label')}, {sum(found):,} of them yes{missing}; no verdict counts as no"
    yield _row("in % (95 %)", "accuracy", "precision", "recall", "F1")
    for name, verdicts in judged.items():
        by = scores(verdicts, labels)
        yield _row(_short(name), by.accuracy, by.precision, by.recall, by.f1)
    for name, row in TABLE_8.items():
        yield _row(f"paper, {name}", *map(hundredths, row))


def _row(name: str, *cells: object) -> str:
    return f"{name:22} {' '.join(f'{cell!s:14}' for cell in cells)}".rstrip()


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() == ".csv":
            for row in (reader := csv.DictReader(file)):
                yield reader.line_num, row
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise DataError(f"{path}, line {number}: no JSON ({first_line(error)})") from error
                if not isinstance(row, dict):
                    raise DataError(f"{path}, line {number}: no object with an id and a label")
                yield number, row


def _short(name: str) -> str:
    """Return a name in the width of its column; of a long one its end, which names the model."""
    return name if len(name) <= 22 else f"...{name[-19:]}"


def _share(count: int, base: int) -> Share:
    low, high = wilson(count, base)
    return Share(count / base if base else float("nan"), float(low), float(high))
