"""`ninefold captions`: spatial question-answer pairs from detailed captions (SpaRE)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Union

from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand

from ninefold.captions.spec import CaptionsSpec
from ninefold.cli.captions_filter import Filter
from ninefold.cli.captions_geometry import CheckGeometry
from ninefold.cli.captions_review import Review
from ninefold.cli.captions_stats import Stats

if TYPE_CHECKING:
    from ninefold.captions.counts import Counts


@dataclass(frozen=True)
class Run:
    """A data set of checked spatial question-answer pairs. After an interruption the same command goes on.

    For example:
      ninefold captions run docci.jsonlines --images docci-images --out data/docci
      ninefold captions run mine.jsonl --text-field caption --image-field file --images photos --out data/mine
      ninefold captions run mine.jsonl --text-field caption --engine openai:http://localhost:8000/v1#qwen --out data/q
      ninefold captions run docci.jsonlines --shard 3/16 --out data/docci-3
    """

    spec: Annotated[CaptionsSpec, arg(name="")]
    out: Path
    """Folder to write the data set to."""
    split: str = "train"
    """Name of the split."""
    validation_share: float = 0.05
    """Share of the images whose pairs are held out of the split train, as the split validation."""
    limit: int | None = None
    """Number of captions to take, from the first on; by default all."""
    jobs: int = 1
    """Number of processes on this machine, for an engine of rules; each needs about 700 MB of memory."""
    cluster: str | None = None
    """Address of a Ray cluster for an engine ray:MODEL, or "auto" for the one that this machine belongs to; by default
    RAY_ADDRESS, or else this machine alone."""
    embed: bool = False
    """Copy images into the data set; otherwise it holds their paths, because many pairs share an image."""
    retry_failed: Annotated[bool, FlagCreatePairsOff] = False
    """Ask again about the captions that failed before; good answers are kept and not paid again."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a data set of other settings there; anything else is never replaced."""

    def run(self) -> None:
        from ninefold.captions import api

        counts = api.run_captions(self.spec, self.out, **_options(self))
        further = "; captions that failed are asked again with --retry-failed" if counts.failed else ""
        if self.spec.captions.image_field is None and self.spec.captions.images is None:
            further += "; without --image-field or --images the pairs have no images, which training needs"
        _tell(counts, self.out, further)


@dataclass(frozen=True)
class Merge:
    """The shards of a run, each with a folder of its own, joined to one data set; counts are summed.

    For example:
      ninefold captions merge shards/docci-* --out data/docci
    """

    shards: Positional[tuple[Path, ...]]
    """Folders of all shards i/n of one run."""
    out: Path
    """Folder to write the data set to."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a data set of other settings there; anything else is never replaced."""

    def run(self) -> None:
        from ninefold.captions import api

        _tell(api.merge_captions(self.shards, self.out, overwrite=self.overwrite), self.out)


def _tell(counts: "Counts", out: Path, further: str = "") -> None:
    """Print what a data set holds, and what to do with it."""
    print("\n".join(counts.sentences()))
    print(f"{out}: read README.md there, and judge some pairs with `ninefold captions review {out}`{further}")


def _options(command: Run) -> dict[str, Any]:
    names = ("split", "validation_share", "limit", "jobs", "cluster", "embed", "retry_failed", "overwrite")
    return {name: getattr(command, name) for name in names}


_COMMANDS: dict[str, type] = {
    "run": Run,
    "merge": Merge,
    "stats": Stats,
    "check-geometry": CheckGeometry,
    "review": Review,
    "filter": Filter,
}


def names() -> tuple[str, ...]:
    """Return the names of its commands."""
    return tuple(_COMMANDS)


_commands = (Annotated[command, subcommand(name)] for name, command in _COMMANDS.items())


@dataclass(frozen=True)
class Captions:
    """Captions of images, made into checked spatial question-answer pairs to train on (SpaRE, arXiv 2504.20648).

    For example:
      ninefold captions run docci.jsonlines --images docci-images --out data/docci
      ninefold captions stats data/docci
      ninefold captions review data/docci
      ninefold train --model nano --data data/docci --out runs/docci
    """

    command: Union[*_commands]  # type: ignore[valid-type]  # built at run time: to mypy it is a value and not a type
    """Subcommand."""

    def run(self) -> None:
        self.command.run()
