"""The command line: parse, call, print. Everything heavy is imported by the command that needs it."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import OmitArgPrefixes, OmitSubcommandPrefixes, Positional, subcommand

from ninefold.data.sources.coco.source import CocoSpec
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import NinefoldError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.nano.spec import PretrainSpec, WorldSpec
from ninefold.training.spec import TrainSpec


@dataclass(frozen=True)
class Demo:
    """See the whole system work: make sets, tune the embedded nano base, measure it before and after, report.

    Needs no download and no GPU. Whatever interrupts it, the same command goes on.
    """

    out: Path = Path("ninefold-demo")
    """Folder for everything it makes; open report.html there."""
    model: str = "nano"
    """Another nano base, e.g. "nano-molmo", or any model that there is the memory and patience for."""

    def run(self) -> None:
        from ninefold.studies.demo import demo

        demo(self.out, model=self.model)


@dataclass(frozen=True)
class Synthetic:
    """Make the paper's synthetic pictures and questions, exactly balanced, with a certificate."""

    spec: SyntheticSpec
    out: Path
    """Folder to write the data set to."""

    def run(self) -> None:
        from ninefold.data.sources.synthetic import make

        make(self.spec, self.out, progress=True)
        _say_data(self.out)


@dataclass(frozen=True)
class Coco:
    """Ask the same questions of COCO photos (or of any pictures with annotations in COCO's format)."""

    spec: CocoSpec
    out: Path
    """Folder to write the data set to."""

    def run(self) -> None:
        from ninefold.data.sources.coco.source import make

        summary = make(self.spec, self.out, progress=True)
        for skip in summary["skipped"]:
            print(f"left out, {skip['reason']}: {skip['count']:,} ({', '.join(skip['names'][:3])} ...)")
        for level, counts in (summary["balance"] or {}).items():
            print(f"questions for each {level}: {' to '.join(map(str, dict.fromkeys(counts['reached'])))}")
        _say_data(self.out)


@dataclass(frozen=True)
class Verify:
    """Recompute every fact that a data set's certificate states, from its files alone."""

    folder: Positional[Path]
    """A data set."""

    def run(self) -> None:
        from ninefold.data.checks.certificate import verify

        certificate = verify(self.folder, progress=True)
        for sentence in (*certificate["statements"], *certificate["limits"]):
            print(sentence)


@dataclass(frozen=True)
class Data:
    """Make sets of pictures and questions, and verify them."""

    command: (
        Annotated[Synthetic, subcommand("synthetic")]
        | Annotated[Coco, subcommand("coco")]
        | Annotated[Verify, subcommand("verify")]
    )

    def run(self) -> None:
        self.command.run()


@dataclass(frozen=True)
class Train:
    """Fine-tune a model with LoRA on a data set; whatever interrupts it, the same command goes on."""

    spec: TrainSpec
    out: Path
    """Run folder; the adapter ends up in its `adapter/`, as plain PEFT."""

    def run(self) -> None:
        from ninefold.training.train import train

        metrics = train(self.spec, self.out)
        print(f"{self.out}: validation loss {metrics['validation_loss']:.4f} at epoch {metrics['best_epoch']}")


@dataclass(frozen=True)
class Evaluate:
    """Ask a model every question of a data set, and score what it says; resumable."""

    spec: EvaluateSpec
    out: Path
    """Run folder: predictions word for word, scores, metrics."""

    def run(self) -> None:
        from ninefold.evaluation.evaluate import evaluate

        _say_metrics(self.out, evaluate(self.spec, self.out))


@dataclass(frozen=True)
class Score:
    """Score stored predictions again, without the model or the data."""

    runs: Positional[tuple[Path, ...]]
    """Evaluation runs."""

    def run(self) -> None:
        from ninefold.evaluation.score import score

        for folder in self.runs:
            _say_metrics(folder, score(folder))


@dataclass(frozen=True)
class Report:
    """Draw evaluation and training runs on one self-contained page, base beside tuned."""

    runs: Positional[tuple[Path, ...]]
    """Runs of `evaluate` and `train`."""
    out: Path = Path("report.html")
    """The page to write; its figures go beside it as PDF and PNG."""

    def run(self) -> None:
        from ninefold.report.page import report

        report(self.runs, self.out)
        print(f"{self.out}: open it in a browser")


@dataclass(frozen=True)
class World:
    """Make photo-like pictures of the nano world, with annotations in COCO's format."""

    spec: WorldSpec
    out: Path
    """Folder to write `images/` and `annotations.json` to."""

    def run(self) -> None:
        from ninefold.nano.photos import make

        make(self.spec, self.out, progress=True)
        print(f"{self.out}: {self.spec.pictures} pictures; read them with `ninefold data coco`")


@dataclass(frozen=True)
class Pretrain:
    """Make a nano base: the embedded one from scratch (an hour on 2 cores), others from what fits of it; resumable."""

    spec: PretrainSpec

    def run(self) -> None:
        from ninefold.nano.pretraining import recipe

        recipe(self.spec).run()
        print(f"{self.spec.out / 'base'}: a model that --model can name")


@dataclass(frozen=True)
class Nano:
    """The embedded nano bases: the world they come from, and the recipe that makes them."""

    command: Annotated[World, subcommand("world")] | Annotated[Pretrain, subcommand("pretrain")]

    def run(self) -> None:
        self.command.run()


@dataclass(frozen=True)
class Models:
    """List what --model can name, where it comes from and what it needs; docs/models.md shows what each sees."""

    def run(self) -> None:
        from rich.console import Console
        from rich.table import Column, Table

        from ninefold.models.endpoint.model import PREFIX
        from ninefold.models.families import FAMILIES, GENERIC, nano_bases

        # Names are there to be copied, so that none is cut short.
        table = Table(Column("name", overflow="fold"), Column("what it is", overflow="fold"), show_lines=True)
        table.add_row(
            "\n".join(nano_bases()),
            "Small bases in this package; they need nothing and run on any CPU. Made to show the system: their scores "
            "say nothing about any real model.",
        )
        for family in (*FAMILIES.values(), GENERIC):
            table.add_row(family.name, "\n".join(filter(None, (*family.checkpoints, family.needs, family.notes))))
        table.add_row(f"{PREFIX}URL#name", "A model on an OpenAI-compatible server: vLLM, SGLang, a hosted one.")
        Console().print(table)


Command = (
    Annotated[Demo, subcommand("demo")]
    | Annotated[Data, subcommand("data")]
    | Annotated[Train, subcommand("train")]
    | Annotated[Evaluate, subcommand("evaluate")]
    | Annotated[Score, subcommand("score")]
    | Annotated[Report, subcommand("report")]
    | Annotated[Nano, subcommand("nano")]
    | Annotated[Models, subcommand("models")]
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a user's mistake is one line and exit code 2, a broken fact of a data set exit code 1."""
    verifying = False
    try:
        command = tyro.cli(
            Command,
            prog="ninefold",
            description="Teach vision-language models where things are, and prove it. Start with `ninefold demo`.",
            args=arguments,
            config=(OmitArgPrefixes, OmitSubcommandPrefixes),
        )
        verifying = isinstance(command, Data) and isinstance(command.command, Verify)
        command.run()
    except NinefoldError as error:
        print(f"ninefold: {error}", file=sys.stderr)
        sys.exit(1 if verifying else 2)
    except KeyboardInterrupt:
        print("ninefold: interrupted; the same command goes on from here", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # Somebody closed the pipe, as `| head` does; what was asked for has been said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say_data(folder: Path) -> None:
    from ninefold.data.format.dataset import Dataset

    counted = ", ".join(f"{rows:,} {split}" for split, rows in Dataset.open(folder).splits.items())
    print(f"{folder}: {counted}; see README.md there, and check it with `ninefold data verify {folder}`")


def _say_metrics(folder: Path, metrics: dict[str, Any]) -> None:
    low, high = metrics["ci95"]
    print(
        f"{folder}: accuracy {metrics['accuracy']:.1%} [{low:.1%}, {high:.1%}] on {metrics['n']:,} questions, "
        f"{metrics['invalid']:,} invalid answers"
    )
