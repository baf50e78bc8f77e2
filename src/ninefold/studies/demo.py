"""The demo: the whole system on the embedded default model, evaluated, fine-tuned, and evaluated again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.console import say
from ninefold.data.sources.coco.source import CocoSpec
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import RunError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import identity
from ninefold.models.families import NANO
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.runs import layout, lineage
from ninefold.runs.outcome import outcome
from ninefold.studies.run import run
from ninefold.studies.study import DataSet, Evaluation, Images, Page, Step, Training, Verification
from ninefold.training.spec import TrainSpec
from ninefold.web.wording import percent

DISTRACTORS = 3
"""Number of distractors in half of the training images: without them a model need not read the question."""

ABOUT = """\
What `ninefold demo` made
=========================
report.html    the result; open it in a browser (its figures are in report-figures/ as PDF and PNG)
summary.json   accuracies before and after, and seconds by step
data/          the data sets: what the model was trained on (train*) and evaluated on, each with a card and certificate
nano-world/    the photo-like images, in COCO's format, that data/photo-like asks about
runs/          each evaluation, and the training with its LoRA adapter: settings, predictions, scores

Run `ninefold demo` on this folder again and it makes what is missing.
"""

SETS = ("synthetic", "photo-like")
"""The data sets that base and tuned model are evaluated on."""


def demo(
    out: Path,
    *,
    model: str = NANO,
    limit: int | None = None,
    pictures: int = 300,
    epochs: int = 3,
    overwrite: bool = False,
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
        overwrite: Whether results of a demo with other settings are replaced.
        tell: A function that shows a line about progress.

    Returns:
        The content of ``summary.json``: accuracies by data set and model, and seconds by step.

    Raises:
        ModelError: If there is no such model, which is found out before anything is made.
        RunError: If the folder holds something else than a demo, or one with another model.
    """
    steps = study(out, model=model, limit=limit, pictures=pictures, epochs=epochs)
    _check_model(out, model, overwrite=overwrite)
    _begin(out)
    seconds = run(steps, out / "seconds.json", overwrite=overwrite, tell=tell)
    sets = {name: {state: _accuracy(out / "runs" / f"{name}-{state}") for state in ("base", "tuned")} for name in SETS}
    summary = {"sets": sets, "seconds": seconds}
    store.write_json(out / "summary.json", summary)
    for name, measured in sets.items():
        tell(f"{name}: {percent(measured['base'], 1)} before, {percent(measured['tuned'], 1)} after")
    tell(f"Open {out / 'report.html'} in a browser.")
    return summary


def _check_model(out: Path, model: str, *, overwrite: bool) -> None:
    """Refuse a model that cannot be had, and another one than that of the demo in the folder.

    Raises:
        ModelError: If there is no such model.
        RunError: If the folder holds a demo with another model.
    """
    asked = identity.resolve(ModelSpec(model))
    run = out / "runs" / f"{SETS[0]}-base"
    if overwrite or asked is None or not (run / layout.SPEC).is_file():
        return
    there = lineage.identity_in(run)
    if outcome({"model": there}) != outcome({"model": asked}):
        raise RunError(
            f"{out}: holds a demo with the model {there['name']}, asked {asked['name']}; choose another --out, or "
            "replace its results with --overwrite"
        )


def _begin(out: Path) -> None:
    """Write the README, by which the folder is recognized as a demo's.

    Raises:
        RunError: If the folder holds something else.
    """
    readme = out / "README.txt"
    heading = ABOUT.partition("\n")[0]
    ours = readme.is_file() and readme.read_bytes().startswith(heading.encode())
    if not ours and out.exists() and not all(map(store.is_temporary, out.iterdir())):
        raise RunError(f"{out}: holds something else than a demo; choose another --out")
    store.write_text(readme, ABOUT)


def study(out: Path, *, model: str, limit: int | None, pictures: int, epochs: int) -> tuple[Step, ...]:
    """Return the steps of the demo; see `demo` for the arguments."""
    data, runs, world, tuning = out / "data", out / "runs", out / "nano-world", out / "runs" / "tuning"
    train = (data / "train", data / f"train-{DISTRACTORS}-distractors")

    def evaluations(state: str, adapter: Path | None = None) -> tuple[Evaluation, ...]:
        return tuple(
            Evaluation(runs / f"{name}-{state}", EvaluateSpec(ModelSpec(model, adapter), data / name, limit=limit))
            for name in SETS
        )

    base, tuned = evaluations("base"), evaluations("tuned", tuning)
    # The language model alone: vision features are then computed once, and training takes half the time on two cores.
    tuned_as = TrainSpec(ModelSpec(model), data=train, epochs=epochs, limit=limit, lora_scope="language")
    page = Page(out / "report.html", (*(each.folder for each in base), tuning, *(each.folder for each in tuned)))
    return (
        Step(
            "make the test sets",
            (
                DataSet(data / "synthetic", SyntheticSpec("test")),
                Images(world, WorldSpec(pictures=pictures)),
                DataSet(data / "photo-like", CocoSpec(world / "annotations.json", world / "images")),
            ),
        ),
        Step("measure the base", base),
        Step("draw the report", (page,)),
        Step("verify the test set", (Verification(data / "synthetic"),)),
        Step(
            "make the training sets",
            (
                DataSet(train[0], SyntheticSpec("train")),
                DataSet(train[1], SyntheticSpec("train", distractors=DISTRACTORS)),
            ),
        ),
        Step("tune it", (Training(tuning, tuned_as),)),
        Step("measure the tuned model", tuned),
        Step("draw the report", (page,)),
    )


def _accuracy(folder: Path) -> float:
    return float(store.read_json(folder / layout.METRICS)["accuracy"])
