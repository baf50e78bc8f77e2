"""`ninefold data`: data sets made from each source, verified and compared, and the questions that can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, Union

from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand

from ninefold.data import api
from ninefold.data.sources.catalog import COMMANDS, SOURCES, source_of
from ninefold.web.wording import percent

Spec = TypeVar("Spec")


@dataclass(frozen=True)
class Make(Generic[Spec]):
    """A data set made from one source."""

    spec: Annotated[Spec, arg(name="")]
    out: Path
    """Folder to write the data set to."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a data set of other settings or other rows there; anything else is never replaced."""

    def run(self) -> None:
        from ninefold.data.make import make

        source = source_of(self.spec)
        data = make(source, self.out, overwrite=self.overwrite, progress=True)
        about = source.about()
        for skip in about.skipped:
            more = " ..." if skip["count"] > 3 else ""
            print(f"left out, {skip['reason']}: {skip['count']:,} ({', '.join(skip['names'][:3])}{more})")
        for note in about.notes:
            print(note)
        counted = ", ".join(f"{rows:,} {split}" for split, rows in data.splits.items())
        print(f"{self.out}: {counted}; see README.md there, and check it with `ninefold data verify {self.out}`")


@dataclass(frozen=True)
class Verify:
    """Verification of a data set: every fact of its certificate is recomputed from the files, and every image decoded.

    For example:
      ninefold data verify data/test
      ninefold data verify data/test --reproduce
      ninefold data verify data/coco --reproduce --annotations instances_val2017.json --images val2017
    """

    folder: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """Folder of the data set."""
    reproduce: bool = False
    """Make every row again from the specification in the manifest, and compare text and pixels. Nothing is written."""
    annotations: Path | None = None
    """With --reproduce, the annotation file that a COCO data set was made from."""
    images: Path | None = None
    """With --reproduce, the folder of photos that a COCO data set, or a benchmark, was made from."""
    directory: Path | None = None
    """With --reproduce, the folder of official files that a benchmark was made from."""
    pairs: Path | None = None
    """With --reproduce, the folder of pairs that descriptions were made from."""
    details: bool = False
    """Print every statement of the certificate, and what it does not claim."""

    def run(self) -> None:
        certificate = api.verify(
            self.folder,
            reproduce=self.reproduce,
            annotations=self.annotations,
            images=self.images,
            directory=self.directory,
            pairs=self.pairs,
        )
        print(certificate["verdict"])
        stated = (*certificate["statements"], *certificate["limits"])
        for sentence in stated if self.details else _summary(certificate["splits"]):
            print(sentence)


def _summary(splits: Mapping[str, Any]) -> list[str]:
    """Return the main facts of a certificate in at most three lines."""
    lines = []
    for name, part in list(splits.items())[:2]:
        bound = next(view for view in part["text_only"] if view["view"] == "prompt")
        share = percent(bound["numerator"] / bound["denominator"], 1)
        alone = f"who reads the prompts alone is right at most {share} of the time"
        if bound["texts"] == part["rows"]:
            alone = "each prompt occurs once, so that reading prompts alone tells nothing"
        facts, of_images = len(part["facts"]), len(part["pixel_facts"])
        lines.append(f"{name}: {facts} facts hold of each row, {of_images} of its image; {alone}.")
    return [*lines, "All statements, and what is not claimed: --details, or certificate.json."]


@dataclass(frozen=True)
class Overlap:
    """The images, scenes and prompts that two data sets share, found without decoding images.

    Exit code 0 if they share no image and no scene, 1 if they do, or if a data set was changed after it was made.
    Shared prompts alone are no leak, because text without its image does not tell the answer. An image is known by
    its decoded pixels and, in whatever encoding or size, by a COCO file name (12 digits).

    For example:
      ninefold data overlap data/train data/test
      ninefold data overlap data/coco data/coco --split train --other-split validation
    """

    folder: Annotated[Positional[Path], arg(metavar="FOLDER")]
    """Folder of a data set, such as one to train on."""
    other: Annotated[Positional[Path], arg(metavar="OTHER")]
    """Folder of the data set to compare it with, such as a test."""
    split: str | None = None
    """Split of the first data set; default: all."""
    other_split: str | None = None
    """Split of the second data set; default: all."""

    def run(self) -> None:
        found = api.overlap(self.folder, self.other, split=self.split, other_split=self.other_split)
        print("\n".join(found.sentences()))
        found.check(f"{self.folder} and {self.other}")


@dataclass(frozen=True)
class Leakage:
    """A table of what training sets hold of tests: images, and rows and texts that stand in both word for word.

    Images are known as in `ninefold data overlap`, which refuses what this counts. Benchmarks whose images are not at
    hand can be compared by the ids of their COCO photos and by their texts: make them with --text-only.

    For example:
      ninefold data leakage data/vsr-random-train data/coco-train --tests data/vsr-zeroshot data/whatsup-a
      ninefold data leakage data/pairs --split train --tests data/vsr-zeroshot --out leakage.csv
    """

    training: Annotated[Positional[tuple[Path, ...]], arg(metavar="FOLDER ...")]
    """Folders of data sets to train on."""
    tests: tuple[Path, ...]
    """Folders of data sets to test on."""
    split: str | None = None
    """Split of the training sets; default: all but "test"."""
    out: Path | None = None
    """File to write the table to as well, with all counts: .csv or .json."""

    def run(self) -> None:
        from ninefold.data.checks.leakage import check_form, table, write

        if self.out is not None:
            check_form(self.out)
        leaks = api.leakage(self.training, self.tests, split=self.split)
        print("\n".join(table(leaks)))
        if self.out is not None:
            write(leaks, self.out)


@dataclass(frozen=True)
class Questions:
    """The questions that --question can name, with their answers.

    For example:
      ninefold data questions
    """

    def run(self) -> None:
        from ninefold.questions.catalog import QUESTIONS
        from ninefold.types import BoxQuestion

        for name, question in QUESTIONS.items():
            asked_of = "scenes and boxes" if isinstance(question, BoxQuestion) else "scenes"
            print(f"{name} (of {asked_of}): {', '.join(question.labels)}")


def names() -> tuple[str, ...]:
    """Return the names of its commands: the sources registered so far, and the others."""
    return (*SOURCES, *COMMANDS)


def group() -> Any:
    """Return the class of `ninefold data`, with a subcommand for each source registered so far."""
    made = (
        # mypy takes this value, built at run time, for a type.
        Annotated[Make[source.spec_type], subcommand(name, description=cleandoc(source.spec_type.__doc__ or ""))]  # type: ignore[name-defined]
        for name, source in SOURCES.items()
    )
    others = (
        Annotated[Verify, subcommand("verify")],
        Annotated[Overlap, subcommand("overlap")],
        Annotated[Leakage, subcommand("leakage")],
        Annotated[Questions, subcommand("questions")],
    )

    @dataclass(frozen=True)
    class Data:
        """Data sets of images and questions: made from a source, verified, and compared.

        For example:
          ninefold data synthetic --split test --out data/test
        """

        command: Union[*made, *others]  # type: ignore[valid-type]
        """Subcommand."""

        def run(self) -> None:
            self.command.run()

    return Data
