"""The demo: a small study of the embedded default model, evaluated, fine-tuned, and evaluated again."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.console import say
from ninefold.data.checks import certificate
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import RunError
from ninefold.models.families import NANO
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.report.page import report
from ninefold.runs import layout
from ninefold.runs.study import BASE, StudyRecord
from ninefold.studies.description import Condition, Photos, Study, StudyModel, Test
from ninefold.studies.run import run
from ninefold.studies.tasks import Task
from ninefold.web.wording import percent

DISTRACTORS = 3
"""Number of distractors in half of the training images: without them a model need not read the question."""

TUNED = "tuned"
"""Name of the condition that the model is trained under."""


def study(*, model: str = NANO, limit: int | None = None, pictures: int = 300, epochs: int = 3) -> Study:
    """Return the demo's study; see `demo` for the arguments."""
    # The language model alone: vision features are then computed once, and training takes half the time on two cores.
    options = {"epochs": epochs, "limit": limit, "lora_scope": "language"}
    train = (SyntheticSpec("train"), SyntheticSpec("train", distractors=DISTRACTORS))
    return Study(
        "demo",
        "What fine-tuning on a balanced synthetic set does to a small model",
        models=(StudyModel(model, ModelSpec(model)),),
        conditions=(Condition(TUNED, "Tuned", train, options),),
        tests=(
            Test("synthetic", "synthetic", SyntheticSpec("test"), options={"limit": limit}),
            Test("photo-like", "photo-like", Photos(WorldSpec(pictures=pictures)), options={"limit": limit}),
        ),
        seeds=(0,),
    )


def demo(
    out: Path,
    *,
    model: str = NANO,
    limit: int | None = None,
    pictures: int = 300,
    epochs: int = 3,
    tell: Callable[[str], None] = say,
) -> dict[str, Any]:
    """Run the demo in a folder; finished parts are not made again.

    A first report is written once the base is evaluated, and again when everything is done.

    Args:
        out: The folder.
        model: Name of the model.
        limit: Number of examples of every data set, for a quick trial; None for all.
        pictures: Number of photo-like images.
        epochs: Maximum number of epochs.
        tell: A function that shows a line about progress.

    Returns:
        The content of ``summary.json``: accuracies by data set, before and after training.

    Raises:
        RunError: If the folder holds something else than a demo, or a part of it failed.
    """
    described = study(model=model, limit=limit, pictures=pictures, epochs=epochs)
    page = _Page(out.resolve(), tell)
    result = run(described, out, on_end=page.on_end)
    if result.failed:
        raise RunError(f"{out}: {next(iter(result.failed.values())).reason}")
    page.write()
    summary = {"sets": _accuracies(page.record, out)}
    store.write_json(out / "summary.json", summary)
    for name, measured in summary["sets"].items():
        tell(f"{name}: {percent(measured[BASE], 1)} before, {percent(measured[TUNED], 1)} after")
    tell(f"Open {out / 'report.html'} in a browser.")
    return summary


class _Page:
    """The demo's report, written as soon as there is something to see."""

    def __init__(self, out: Path, tell: Callable[[str], None]) -> None:
        self.path = out / "report.html"
        self._done: set[Path] = set()
        self._tell = tell

    @cached_property
    def record(self) -> StudyRecord:
        """The record that the study has written before its first task."""
        return StudyRecord.read(self.path.parent)

    def on_end(self, task: Task) -> None:
        """Verify the test set once it is made, and write a first page once the base is evaluated."""
        if task.folder.name.startswith("test-synthetic") and not self.path.exists():
            certificate.verify(task.folder, progress=True)
        self._done.add(task.folder)
        base = {self.path.parent / each.folder for each in self.record.select("evaluation", condition=BASE)}
        if task.folder in base and base <= self._done and not self.path.exists():
            pending = self.write()
            self._tell(f"First results are in {self.path}; still to come: {', '.join(pending)}.")

    def write(self) -> list[str]:
        """Write the page of all finished runs, and return the names of those still to come."""
        folders = list(dict.fromkeys(self.path.parent / each.folder for each in self.record.runs))
        pending = [folder.name for folder in folders if folder not in self._done]
        done = [folder for folder in folders if folder in self._done]
        report(
            done, self.path, pending=pending, titles={Path(test.data).name: test.title for test in self.record.tests}
        )
        return pending


def _accuracies(record: StudyRecord, out: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {test.name: {} for test in record.tests}
    for each in record.select("evaluation"):
        assert each.test is not None
        found[each.test][each.condition] = float(store.read_json(out / each.folder / layout.METRICS)["accuracy"])
    return found
