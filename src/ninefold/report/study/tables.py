"""Tables 1 to 7 of Rizzoli et al. 2025 from a study's runs, and all of its results, as CSV, LaTeX and Markdown."""

import csv
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ninefold.analysis.scaling import FEWEST
from ninefold.report.study import latex, leaks, markdown
from ninefold.report.study.cautions import cautions
from ninefold.report.study.layouts import CONDITIONS, LAYOUTS, TESTS, Column, Layout, Shown, test_of
from ninefold.report.study.results import StudyResults
from ninefold.report.study.values import NOT_ASKED, Value, text, value
from ninefold.runs.study import BASE, StudiedModel
from ninefold.web.wording import count, hundredths, quantity

OVERVIEW = "overview"
"""Stem of the table of all results."""


SCALING = "scaling"
"""Stem of the table of scaling curves."""


@dataclass(frozen=True)
class Table:
    """A table, ready to write."""

    stem: str
    """Stem of its files, such as "table-1"."""
    title: str
    """First sentence of the caption."""
    notes: str
    """The rest of the caption: how values are to be read, and whose models these are."""
    heads: Sequence[Sequence[str]]
    """Lines of heads, the outer one first, each with one text per column."""
    rows: Sequence[Sequence[str]]
    """Texts of each row, its names first; "" is a gap."""
    names: int
    """Number of columns that name the row: the model, and the condition if each model has several rows."""
    values: Sequence[Value]
    """All values, once each, row by row."""

    @property
    def caption(self) -> str:
        """Return the whole caption."""
        return f"{self.sentence} {self.notes}"

    @property
    def is_planned(self) -> bool:
        """Return whether the study has runs for it, done or not."""
        return bool(self.rows)

    @property
    def has_results(self) -> bool:
        """Return whether it has a number beside those of the bases."""
        return any(one.ours is not None and one.condition != BASE for one in self.values)

    @property
    def sentence(self) -> str:
        """Return the title as a sentence."""
        return self.title if self.title.endswith(("?", ".", "!")) else f"{self.title}."


def paper_tables(results: StudyResults) -> list[Table]:
    """Return Tables 1 to 7: rows that a study has runs for, done or not, with gaps where they are still to come."""
    return [_table(results, layout, f"table-{layout.number}") for layout in LAYOUTS]


def overview(results: StudyResults) -> Table:
    """Return the table of all accuracies: a row for each model and condition, a column for each test."""
    columns = tuple(Column(None, test) for test in results.tests)
    layout = Layout(None, f"Accuracy of every model and condition: {results.record.title}", columns)
    return _table(results, layout, OVERVIEW)


def scaling(results: StudyResults) -> Table | None:
    """Return the table of the scaling curves, with the size from which on each is flat; None without such runs."""
    curves = {(model, test): results.scaling(model.name, test) for model in results.models for test in results.tests}
    found = {key: curve for key, curve in curves.items() if curve}
    if not found:
        return None
    sizes = sorted({point.size for curve in found.values() for point in curve.points if point.size})
    conditions = [BASE, *(results.sizes[size] for size in sizes)]
    rows, values = [], []
    for (model, test), curve in found.items():
        row = [value(results, model, condition, test) for condition in conditions]
        flat = _UNDECIDED
        if curve.plateau is not None and curve.plateau_fraction is not None:
            flat = f"{count(curve.plateau)} ({hundredths(curve.plateau_fraction)} %)"
        texts = [text(each, "deviation", len(results.record.seeds)) for each in row]
        rows.append([model.title, _test(results, test), *texts, flat])
        values += row
    heads = [["model", "test", "base", *map(count, sizes), "flat from"]]
    flat = (
        "A curve is flat from the size on whose means all equal the last one, within a point or its interval; "
        f"with fewer than {FEWEST} seeds or {FEWEST} sizes that is {_UNDECIDED}."
    )
    notes = f"{_notes(results, ['deviation'], rows, values)} {flat}"
    return Table(SCALING, "Accuracy by number of training examples", notes, heads, rows, 2, values)


def files(table: Table) -> dict[str, str]:
    """Return the content of a table's files by suffix; the same results give the same bytes."""
    return {"csv": _csv(table), "tex": _tex(table), "md": _markdown(table)}


def runs_csv(results: StudyResults) -> str:
    """Return the CSV of all evaluations, one row per run, with counts of every way to fail."""
    return str(results.table.drop(columns="folder").to_csv(index=False, lineterminator="\n"))


def _table(results: StudyResults, layout: Layout, stem: str) -> Table:
    by_condition = bool(layout.conditions) or layout.number is None
    rows, values = [], []
    for model in results.models:
        conditions = (layout.conditions or tuple(results.conditions)) if by_condition else (None,)
        found = {condition: _values(results, layout, model, condition) for condition in conditions}
        planned = [one for line in found.values() for one in line if one and one.planned]
        # The paper's tables are about what training does: a model with a base alone has no row in them.
        if layout.number and all(one.condition == BASE for one in planned):
            continue
        for condition, line in found.items():
            if any(one and one.planned for one in line):
                names = [model.title, *([_condition(results, condition)] if condition else [])]
                rows.append([*names, *_texts(results, layout, line)])
                values += [one for one in line if one]
    once = {(each.model.name, each.condition, each.test): each for each in values}
    width = 2 if by_condition else 1
    notes = _notes(results, {column.shown for column in layout.columns}, rows, values)
    heads = _heads(results, layout, width)
    return Table(stem, _title(results, layout), notes, heads, rows, width, list(once.values()))


def _values(results: StudyResults, layout: Layout, model: StudiedModel, condition: str | None) -> list[Value | None]:
    """Return the value of each column; None where the table's design has none."""
    places = [(column, column.condition or condition or BASE) for column in layout.columns]
    tests = [(of, test_of(column, of)) for column, of in places]
    return [None if test is None else value(results, model, of, test, layout.number) for of, test in tests]


def _texts(results: StudyResults, layout: Layout, line: Sequence[Value | None]) -> list[str]:
    seeds = len(results.record.seeds)
    return [
        NOT_ASKED if one is None else text(one, column.shown, seeds)
        for column, one in zip(layout.columns, line, strict=True)
    ]


def _title(results: StudyResults, layout: Layout) -> str:
    """Return the title of a table, with the study's titles of conditions and tests."""
    if layout.number is None:
        return layout.title
    titles = {**CONDITIONS, **{name: one.title for name, one in results.conditions.items()}}
    tests = {f"test {name}": _test(results, name) for name in TESTS}
    return layout.title.format_map({**titles, **tests})


def _condition(results: StudyResults, name: str) -> str:
    """Return the title of a condition, with its number of training examples."""
    known = results.conditions.get(name)
    title = known.title if known else CONDITIONS.get(name, name)
    size = f"({_size(known.rows)})" if known and known.rows else ""
    return title if size in title else f"{title} {size}"


def _size(rows: int) -> str:
    return str(rows) if rows < 1000 else f"{rows / 1000:.1f}k" if rows < 10_000 else f"{rows / 1000:.0f}k"


def _test(results: StudyResults, name: str) -> str:
    known = results.tests.get(name)
    return known.title if known else TESTS.get(name, name)


def _heads(results: StudyResults, layout: Layout, names: int) -> list[list[str]]:
    tests = [column.head or _test(results, column.test) for column in layout.columns]
    first = ["model", "training set"][:names]
    if names > 1:
        return [[*first, *tests]]
    conditions = [_condition(results, column.condition or BASE) for column in layout.columns]
    return [[*first, *conditions], [*first, *tests]]


def _notes(
    results: StudyResults, shown: Collection[Shown], rows: Sequence[Sequence[str]], values: Sequence[Value]
) -> str:
    """Return how the values are to be read, and whose models these are."""
    if not values:
        return "This study has no runs for it."
    seeds = len(results.record.seeds)
    notes = [f"In percent, mean over {quantity(seeds, 'training seed')}"]
    if "deviation" in shown:
        notes[0] += " ± standard deviation"
    if "change" in shown or "change alone" in shown:
        notes[0] += "; changes in points"
    if any(each.ours and len(each.seeds) < seeds and each.seeds != (None,) for each in values):
        notes.append("n is the number of seeds where some are not done yet")
    if any(each.ours is None and each.planned for each in values):
        notes.append("A gap is a run that does not exist yet")
    if any(cell.startswith(NOT_ASKED) for row in rows for cell in row):
        notes.append(f"{NOT_ASKED} is not part of the study")
    if any(each.paper for each in values):
        notes.append("In square brackets: the numbers of Rizzoli et al. 2025")
    models = list({each.model.name: each.model for each in values}.values())
    places = {(each.condition, each.test) for each in values}
    return " ".join([f"{'. '.join(notes)}.", *leaks.sentence(results.record, places), *cautions(models)])


_UNDECIDED = "not decidable"

_CSV = (
    "table", "model", "nano", "condition", "test", "questions", "n_seeds", "seeds", "values", "mean", "sd", "low",
    "high", "interval", "base", "change", "paper_mean", "paper_sd", "paper_change",
)  # fmt: skip


def _csv(table: Table) -> str:
    """Return the values at full precision, as fractions, one row per value; several seeds are separated by blanks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_CSV)
    for each in table.values:
        ours, paper = each.ours, each.paper
        seeds = [seed for seed in each.seeds if seed is not None]
        row = [
            table.stem, each.model.title, str(each.model.nano).lower(), each.condition, each.test, each.questions,
            len(each.seeds), " ".join(map(str, seeds)), " ".join(map(repr, ours.values)) if ours else "",
            ours.mean if ours else None, ours.sd if ours else None, each.low, each.high, each.interval,
            each.base, each.change, *(paper or (None, None, None)),
        ]  # fmt: skip
        writer.writerow("" if cell is None else cell for cell in row)
    return out.getvalue()


def _tex(table: Table) -> str:
    return latex.table(table.caption, f"tab:{table.stem}", table.heads, table.rows, names=table.names)


def _markdown(table: Table) -> str:
    heads = [": ".join(dict.fromkeys(texts)) for texts in zip(*table.heads, strict=True)]
    return markdown.table(table.sentence, table.notes, heads, table.rows, names=table.names)
