"""Tables in the form of SpaRE's Tables 3 and 4: the paper's rows, and ours below them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import mean

from ninefold.report.benchmarks import numbers, spare
from ninefold.report.benchmarks.columns import GENERAL, SPATIAL, Column
from ninefold.report.benchmarks.numbers import OURS, Found
from ninefold.report.benchmarks.standings import WORTH_SAYING, Standing, Value
from ninefold.report.tables import CONFIDENCE
from ninefold.web.wording import count, hundredths, percent, words

PRINTED, MEAN = "average, as printed", "mean of the columns"
"""Heads of the two averages."""

PLAIN = frozenset({"accuracy", "individual", "individual_accuracy"})
"""Figures that a column needs not name: the share of questions that are answered right."""


PARTIAL, LEAKING = "*", "†"
"""Signs of a figure of a part of a benchmark, and of one of which training holds images or rows."""


@dataclass(frozen=True)
class Figure:
    """A cell of a table of benchmarks."""

    text: str
    """The number, as papers print it."""
    interval: str = ""
    """Its interval; empty for none."""
    marks: str = ""
    """Signs that the notes explain: `PARTIAL` and `LEAKING`."""
    details: tuple[str, ...] = ()
    """What the signs stand for here, and the rate of unread answers."""


GAP = Figure("–")
"""The cell of a figure that is not there."""


@dataclass(frozen=True)
class Line:
    """A row of a table of benchmarks."""

    model: str
    """Title of the model."""
    condition: str
    """What it was trained on."""
    cells: tuple[Figure, ...]
    """Its cells."""


@dataclass(frozen=True)
class Sheet:
    """A table of benchmarks, ready to draw and to write."""

    stem: str
    """Stem of its files."""
    title: str
    """First sentence of its caption."""
    notes: str
    """The rest of the caption."""
    heads: tuple[str, ...]
    """Heads of the columns."""
    published: tuple[Line, ...]
    """The paper's rows."""
    ours: tuple[Line, ...]
    """Rows of the runs."""
    numbers: numbers.Lines
    """All numbers at full precision, in the columns of `numbers.CSV`: fractions, or points of at most ``most``."""

    @property
    def parts(self) -> tuple[tuple[str, tuple[Line, ...]], ...]:
        """Return the rows by where they are from."""
        return (spare.CITATION, self.published), (OURS, self.ours)


def sheets(standings: Sequence[Standing], caution: str = "") -> list[Sheet]:
    """Return the tables for which there is a run: spatial and general benchmarks, and the averages of Table 4.

    Args:
        standings: The models, in order.
        caution: What a reader must know of these models, as sentences.
    """
    made = [_spatial(standings, caution), _general(standings, caution), _averages(standings, caution)]
    return [sheet for sheet in made if sheet is not None]


def _spatial(standings: Sequence[Standing], caution: str) -> Sheet | None:
    found = _found(standings, SPATIAL)
    if not found:
        return None
    notes = [
        "In percent.",
        f"Rows of {spare.CITATION} are those of its Table 3; where its printed average is not the mean of the columns, "
        "both are given. The paper does not say which split of VSR and which protocol of 3DSRBench it used.",
        *_ours(found, caution),
    ]
    return Sheet(
        stem="spare-table-3-spatial",
        title="Spatial benchmarks, in the form of Table 3 of SpaRE",
        notes=" ".join(notes),
        heads=(*_heads(SPATIAL, found), PRINTED, MEAN),
        published=tuple(
            Line(name, "", tuple(map(_printed, (*row.values, row.average, row.mean))))
            for name, row in spare.SPATIAL.items()
        ),
        ours=tuple(
            Line(one.model, one.condition, (*map(_cell, values), GAP, _mean_cell(values))) for one, values in found
        ),
        numbers=numbers.of(SPATIAL, found, {name: row.values for name, row in spare.SPATIAL.items()})
        + numbers.averages(found, {name: row.average for name, row in spare.SPATIAL.items()}),
    )


def _general(standings: Sequence[Standing], caution: str) -> Sheet | None:
    found = _found(standings, GENERAL)
    if not found:
        return None
    notes = [
        "In percent; the parts of MME in points, of at most 2,000 (perception), 800 (reasoning) and 200 (its parts).",
        f"Rows of {spare.CITATION} are those of its Table 3, measured with VLMEvalKit.",
        *_ours(found, caution),
    ]
    return Sheet(
        stem="spare-table-3-general",
        title="General benchmarks, in the form of Table 3 of SpaRE",
        notes=" ".join(notes),
        heads=_heads(GENERAL, found),
        published=tuple(Line(name, "", tuple(map(_printed, row))) for name, row in spare.GENERAL.items()),
        ours=tuple(Line(one.model, one.condition, tuple(map(_cell, values))) for one, values in found),
        numbers=numbers.of(GENERAL, found, spare.GENERAL),
    )


def _averages(standings: Sequence[Standing], caution: str) -> Sheet | None:
    found = [(one, values) for one, values in _found(standings, SPATIAL) if numbers.is_whole(values)]
    if not found:
        return None
    notes = [
        "In percent: the mean over the five spatial benchmarks.",
        f"Rows of {spare.CITATION} are those of its Table 4.",
        *([caution] if caution else []),
    ]
    return Sheet(
        stem="spare-table-4",
        title="Average over the spatial benchmarks by what was trained on, in the form of Table 4 of SpaRE",
        notes=" ".join(notes),
        heads=("average",),
        published=tuple(Line(name, trained, (_printed(value),)) for name, (trained, value) in spare.CAPTIONS.items()),
        ours=tuple(Line(one.model, one.condition, (_mean_cell(values),)) for one, values in found),
        numbers=numbers.averages(found, {name: value for name, (_, value) in spare.CAPTIONS.items()}),
    )


def _found(standings: Sequence[Standing], columns: Sequence[Column]) -> Found:
    known = {name for one in standings for name, runs in one.runs.items() if runs}
    shown = [column.chosen(known) for column in columns]
    rows = [(one, [one.value(*pair) for pair in zip(columns, shown, strict=True)]) for one in standings]
    return [(one, values) for one, values in rows if any(values)]


def _heads(columns: Sequence[Column], found: Found) -> tuple[str, ...]:
    """Return the titles of columns, with the split or the figure of ours where a benchmark has several."""
    heads = []
    for column, values in zip(columns, zip(*(values for _, values in found), strict=True), strict=True):
        value = next((value for value in values if value), None)
        details = [] if value is None else [value.benchmark.partition("-")[2]] if len(column.benchmarks) > 1 else []
        if value and not column.measures and value.measure not in PLAIN:
            details.append(words(value.measure))
        shown = ", ".join(filter(None, details))
        heads.append(f"{column.title} ({shown})" if shown else column.title)
    return tuple(heads)


def _ours(found: Found, caution: str) -> Iterator[str]:
    """Yield how our rows are to be read."""
    values = [value for _, row in found for value in row if value]
    if any(len(value.values) > 1 for value in values):
        yield (
            f"Rows of {OURS} are means over seeds ± standard deviation with the {CONFIDENCE} t interval over seeds, "
            "which leaves out the variation of questions; without seeds, with the interval of the run."
        )
    else:
        yield f"Rows of {OURS} are given with their {CONFIDENCE} intervals."
    if any(value.missing for value in values) or not all(numbers.is_whole(row) for _, row in found):
        yield f"{PARTIAL}: of a part of the rows or columns, so that the figure compares with no other."
    if any(value.leak for value in values):
        yield f"{LEAKING}: the training set shares images or rows with the benchmark."
    most = max(value.unread for value in values)
    yield f"Answers that cannot be read count as wrong: at most {percent(most, 1)} of any figure's."
    if caution:
        yield caution


def _cell(value: Value | None) -> Figure:
    if value is None:
        return GAP
    sd = "" if value.sd is None else f" ±{value.sd * (100 if value.most == 1 else 1):.1f}"
    interval = "" if value.ci95 is None else "–".join(_text(bound, value.most) for bound in value.ci95)
    details = {
        f"{count(value.rows)} of {count(value.rows + value.missing)} rows": bool(value.missing),
        f"shares {value.leak}": bool(value.leak),
        f"{percent(value.unread)} unread": value.unread >= WORTH_SAYING,
    }
    marks = PARTIAL * bool(value.missing) + LEAKING * bool(value.leak)
    shown = tuple(text for text, is_so in details.items() if is_so)
    return Figure(f"{_text(value.mean, value.most)}{sd}", interval, marks, shown)


def _mean_cell(values: Sequence[Value | None]) -> Figure:
    known = [value for value in values if value is not None]
    is_partial = len(known) < len(values) or any(value.missing for value in known)
    marks = PARTIAL * is_partial + LEAKING * any(bool(value.leak) for value in known)
    details = () if len(known) == len(values) else (f"{len(known)} of {len(values)} columns",)
    return Figure(hundredths(mean(value.mean for value in known), 1), marks=marks, details=details)


def _printed(value: float | None) -> Figure:
    return GAP if value is None else Figure(f"{value:,.1f}")


def _text(value: float, most: float) -> str:
    return hundredths(value, 1) if most == 1 else f"{value:,.1f}"
