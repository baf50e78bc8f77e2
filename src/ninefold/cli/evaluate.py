"""`ninefold evaluate` and `ninefold score`: a model's answers and their accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ninefold import api
from ninefold.console import warn
from ninefold.errors import RunError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.runs.shape import BenchmarkFigures, Measure
from ninefold.web.wording import count, percent, quantity, span, words


@dataclass(frozen=True)
class Evaluate:
    """A model's answers to every question of a data set, and their accuracy. An interrupted command can be repeated.

    For example:
      ninefold evaluate --model nano --data data/test --out runs/base
      ninefold evaluate --model nano --adapter runs/tuning --data data/test --out runs/tuned
      ninefold evaluate --model openai:http://localhost:8000/v1 --data data/test --limit 100 --out runs/served
      ninefold evaluate --model nano --benchmark vsr-zeroshot --benchmark-dir vsr --out runs/vsr
    """

    spec: Annotated[EvaluateSpec, arg(name="")]
    out: Path
    """Run folder: exact answers, scores and metrics."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace an evaluation with other settings there; anything else is never replaced."""

    def run(self) -> None:
        _print_metrics(self.out, api.evaluate(self.spec, self.out, overwrite=self.overwrite))


@dataclass(frozen=True)
class Score:
    """Scores of stored predictions, computed again without the model or the data.

    For example:
      ninefold score runs/base runs/tuned
    """

    runs: Annotated[Positional[tuple[Path, ...]], arg(metavar="RUN ...")]
    """Run folders of `ninefold evaluate`."""

    def run(self) -> None:
        if not self.runs:
            raise RunError("`ninefold score` needs a run: name one or more folders that `ninefold evaluate` wrote")
        for folder in self.runs:
            _print_metrics(folder, api.score(folder))


def _print_metrics(folder: Path, metrics: Mapping[str, Any]) -> None:
    if metrics.get("benchmark"):
        print(f"{folder}: {_benchmark(metrics['benchmark'])}")
        return
    print(
        f"{folder}: accuracy {percent(metrics['accuracy'], 1)} [{span(metrics['ci95'])}] on"
        f" {quantity(metrics['n'], 'question')}, {quantity(metrics['invalid'], 'invalid answer')}"
    )
    if metrics.get("orders"):
        found = metrics["orders"]
        print(
            f"in all {found['orders']} orders of the options: {percent(found['all_right']['accuracy'], 1)} of "
            f"{quantity(found['items'], 'item')} right in every one; the answer changes with the order for "
            f"{percent(found['changed']['accuracy'], 1)}"
        )
    if metrics.get("caveat"):
        warn(metrics["caveat"])


def _benchmark(figures: BenchmarkFigures) -> str:
    """Return the figures of a benchmark in one line, with the questions that they stand on."""
    told = [f"{words(name)} {_measure(measure)}" for name, measure in figures["measures"].items()]
    conditions = figures["conditions"]
    rows, missing, unread = (conditions.get(name) for name in ("rows", "missing", "unread"))
    asked = [
        *([quantity(rows, "question")] if isinstance(rows, int) else []),
        *([f"{count(missing)} more left out"] if isinstance(missing, int) and missing else []),
        *([f"{percent(unread, 1)} of answers not readable"] if isinstance(unread, float) else []),
    ]
    return f"{figures['title']}: {', '.join(told)}; {', '.join(asked)}"


def _measure(found: Measure) -> str:
    """Return a figure of a benchmark with its interval, in percent or in points."""
    most, bounds = found.get("most"), found["ci95"]
    if most is None:
        return percent(found["value"], 1) + (f" [{span(bounds)}]" if bounds is not None else "")
    value = "–" if found["value"] is None else f"{found['value']:.1f}"
    return f"{value} of {most:g}" + (f" [{bounds[0]:.1f}–{bounds[1]:.1f}]" if bounds is not None else "")
