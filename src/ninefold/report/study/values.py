"""The values of a study's tables: our accuracy over seeds beside the paper's, and their text."""

from dataclasses import dataclass

from ninefold.analysis.seeds import Summary, summary
from ninefold.report.study.layouts import Shown
from ninefold.report.study.published import Published, published
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import StudiedModel
from ninefold.web.wording import MINUS, hundredths

NOT_ASKED = "–"
"""The text of a value that is not part of a study, or of a table's design."""


@dataclass(frozen=True)
class Value:
    """The accuracy of a model under a condition on a test, as far as its runs are done."""

    model: StudiedModel
    """The model."""
    condition: str
    """Name of the condition."""
    test: str
    """Name of the test."""
    seeds: tuple[int | None, ...]
    """Seeds of the finished runs; None for the base's."""
    ours: Summary | None
    """Accuracy over these seeds; None if no run is done."""
    low: float | None
    """Lower bound of the 95 % interval: over seeds if there are several, otherwise over questions."""
    high: float | None
    """Upper bound."""
    interval: str
    """Method of the interval."""
    questions: int | None
    """Number of questions."""
    base: float | None
    """Accuracy of the base on the same test; None if its run is not done."""
    planned: bool
    """Whether it is part of the study, done or not."""
    paper: Published | None
    """The paper's number; None for other models and nano bases, with which it has nothing to do."""

    @property
    def change(self) -> float | None:
        """Return the change of the mean against the base; None for the base, and where either is absent."""
        if self.ours is None or self.base is None or self.seeds == (None,):
            return None
        return self.ours.mean - self.base


def value(results: StudyResults, model: StudiedModel, condition: str, test: str, table: int | None = None) -> Value:
    """Return a value.

    Args:
        results: The study.
        model: One of its models.
        condition: Name of the condition.
        test: Name of the test.
        table: Number of the table whose number in the paper is wanted; None for none.
    """
    runs = results.select(model.name, condition, test)
    accuracies = results.accuracies(model.name, condition, test)
    ours = summary(list(accuracies.values())) if accuracies else None
    low, high, method = None, None, ""
    if ours and ours.interval:
        low, high, method = ours.interval.low, ours.interval.high, ours.interval.method
    elif runs:
        metrics = runs[0].run.metrics
        (low, high), method = metrics["ci95"], metrics["interval"]
    return Value(
        model, condition, test, tuple(accuracies), ours, low, high, method,
        int(runs[0].run.metrics["n"]) if runs else None,
        results.base(model.name, test),
        (model.name, condition, test) in results.planned,
        published(table, model.title, condition, test) if table and not model.nano else None,
    )  # fmt: skip


def text(shown: Value, what: Shown, seeds: int) -> str:
    """Return a value as the paper prints it, in percent, with the paper's own in square brackets; "" if both lack.

    What is not part of the study is `NOT_ASKED`.

    Args:
        shown: The value.
        what: What is shown beside the mean.
        seeds: The number of seeds of the study; a value over fewer says so.
    """
    ours = "" if shown.planned else NOT_ASKED
    if shown.ours:
        ours = _printed(shown.ours.mean, shown.ours.sd, shown.change, what)
        found = len(shown.seeds)
        ours += f" (n={found})" if ours and shown.seeds != (None,) and found < seeds else ""
    paper = _printed(*shown.paper, what) if shown.paper else ""
    return f"{ours} [{paper}]".lstrip() if paper else ours


def _printed(mean: float, sd: float | None, change: float | None, what: Shown) -> str:
    moved = "" if change is None else _signed(change)
    if what == "change alone":
        return moved
    if what == "change":
        return hundredths(mean) + (f" ({moved})" if moved else "")
    return hundredths(mean) + (f" ±{100 * sd:.0f}" if sd is not None else "")


def _signed(change: float) -> str:
    """Return a change in points as the paper prints it: signed, "=" for none."""
    number = hundredths(abs(change))
    return "=" if number == "0" else f"{'+' if change > 0 else MINUS}{number}"
