"""`ninefold nano`: the embedded bases, and the world of images they come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, arg, subcommand

from ninefold.nano.spec import PretrainSpec, WorldSpec


@dataclass(frozen=True)
class World:
    """Photo-like images of the nano world, with annotations in COCO's format, and a description of each in sentences.

    For example:
      ninefold nano world --pictures 300 --out nano-world
    """

    spec: Annotated[WorldSpec, arg(name="")]
    out: Path
    """Folder to write `images/`, `annotations.json` and `captions.jsonl` to."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a nano world of other settings there; anything else is never replaced."""

    def run(self) -> None:
        from ninefold.nano.photos import make

        make(self.spec, self.out, overwrite=self.overwrite, progress=True)
        print(
            f"{self.out}: {self.spec.pictures} images; read them with `ninefold data coco`, or `ninefold captions run`"
        )


@dataclass(frozen=True)
class Pretrain:
    """The pretraining of a nano base: LLaVA's from scratch (an hour on 2 cores), the others from its weights.

    After an interruption the same command resumes.

    For example:
      ninefold nano pretrain --family molmo --out nano-molmo
    """

    spec: Annotated[PretrainSpec, arg(name="")]
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a base of other settings there; anything else is never replaced."""

    def run(self) -> None:
        from ninefold.nano.pretraining import pretraining

        pretraining(self.spec, overwrite=self.overwrite).run(overwrite=self.overwrite)
        print(f"{self.spec.out / 'base'}: a checkpoint that --model can name")


def names() -> tuple[str, ...]:
    """Return the names of its commands."""
    return ("world", "pretrain")


@dataclass(frozen=True)
class Nano:
    """The embedded nano bases: the world of images they are trained on, and their pretraining.

    For example:
      ninefold nano world --pictures 300 --out nano-world
    """

    command: Annotated[World, subcommand("world")] | Annotated[Pretrain, subcommand("pretrain")]
    """Subcommand."""

    def run(self) -> None:
        self.command.run()
