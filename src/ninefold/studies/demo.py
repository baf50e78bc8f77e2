"""The whole system on the embedded default: make, verify, measure, tune, measure again, report."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from ninefold import store
from ninefold.data.checks import certificate
from ninefold.data.sources import synthetic
from ninefold.data.sources.coco import source as coco
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.families import NANO
from ninefold.models.spec import ModelSpec
from ninefold.nano import photos
from ninefold.nano.spec import WorldSpec
from ninefold.report.page import report
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

DISTRACTORS = 3
"""Things beside the target in half of the training pictures: without them a model need not read the question."""

ABOUT = """\
What `ninefold demo` made
=========================
report.html    the result; open it in a browser (its figures are in report-figures/ as PDF and PNG)
summary.json   accuracies before and after, and seconds by step
data/          the sets: what the model was tuned on (train*) and measured on, each with a card and a certificate
nano-world/    the photo-like pictures, in COCO's format, that data/photo-like asks about
runs/          each measurement, and the tuning with its LoRA adapter: settings, predictions, scores

Run `ninefold demo` on this folder again and it makes what is missing.
"""

SETS = ("synthetic", "photo-like")
"""The folders of what the base and the tuned model are measured on."""


def demo(
    out: Path, *, model: str = NANO, limit: int | None = None, pictures: int = 300, epochs: int = 4
) -> dict[str, Any]:
    """Run the main job in a folder; what is there already is not made again.

    Args:
        out: The folder.
        model: What is measured, tuned, and measured again.
        limit: Use only the first so many examples of every set, to try things out.
        pictures: How many photo-like pictures to make.
        epochs: At most so many passes over the training pictures.

    Returns:
        What ``summary.json`` holds: accuracies by set and model, and seconds by step.
    """
    console = Console(stderr=True)
    clock = _Clock(out / "seconds.json", console)
    data, runs = out / "data", out / "runs"
    with clock("make the sets"):
        _make_sets(out, pictures)
    with clock("verify the test set"):
        certificate.verify(data / "synthetic", progress=True)
    with clock("measure the base"):
        base = {name: _evaluate(model, data / name, runs / f"{name}-base", limit) for name in SETS}
    with clock("tune it"):
        training = (data / "train", data / f"train-{DISTRACTORS}-distractors")
        train(TrainSpec(ModelSpec(model), data=training, epochs=epochs, limit=limit), runs / "tuning")
    with clock("measure the tuned model"):
        tuned = {name: _evaluate(model, data / name, runs / f"{name}-tuned", limit, runs / "tuning") for name in SETS}
    with clock("draw the report"):
        made = [runs / f"{name}-{state}" for name in SETS for state in ("base", "tuned")]
        report([*made, runs / "tuning"], out / "report.html")
    sets = {name: {"base": base[name]["accuracy"], "tuned": tuned[name]["accuracy"]} for name in SETS}
    summary = {"sets": sets, "seconds": clock.seconds}
    store.write_json(out / "summary.json", summary)
    store.write_text(out / "README.txt", ABOUT)
    for name, measured in sets.items():
        console.print(f"{name}: {measured['base']:.1%} before, {measured['tuned']:.1%} after")
    console.print(f"Open {out / 'report.html'} in a browser.")
    return summary


def _make_sets(out: Path, pictures: int) -> None:
    for name, spec in (
        ("synthetic", synthetic.SyntheticSpec("test")),
        ("train", synthetic.SyntheticSpec("train")),
        (f"train-{DISTRACTORS}-distractors", synthetic.SyntheticSpec("train", distractors=DISTRACTORS)),
    ):
        # Folders appear whole or not at all, so one that is there is finished.
        if not (out / "data" / name).exists():
            synthetic.make(spec, out / "data" / name, progress=True)
    world, photo_like = out / "nano-world", out / "data" / "photo-like"
    if not world.exists():
        photos.make(WorldSpec(pictures=pictures), world, progress=True)
    if not photo_like.exists():
        coco.make(coco.CocoSpec(world / "annotations.json", world / "images"), photo_like, progress=True)


def _evaluate(model: str, data: Path, run: Path, limit: int | None, adapter: Path | None = None) -> dict[str, Any]:
    return evaluate(EvaluateSpec(ModelSpec(model, adapter), data, limit=limit), run)


class _Clock:
    """Says what is going on, and keeps how long each step took, over interruptions too."""

    def __init__(self, path: Path, console: Console) -> None:
        self.path, self.console = path, console
        self.seconds: dict[str, float] = store.read_json(path) if path.exists() else {}

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        self.console.rule(step, align="left")
        begun = time.perf_counter()
        yield
        # A step that was finished before takes next to nothing now; the time that counts is the longest.
        self.seconds[step] = max(round(time.perf_counter() - begun, 1), self.seconds.get(step, 0.0))
        store.write_json(self.path, self.seconds)
