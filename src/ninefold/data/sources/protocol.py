"""The protocol of a source, which makes examples and states facts about them."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from ninefold.errors import printable
from ninefold.specs import from_json
from ninefold.types import Example

if TYPE_CHECKING:
    import pandas as pd

    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

# The command line reads specifications for its --help: heavy packages (numpy, pyarrow) are imported where used.


FOUND = "found"
"""Key of the manifest's specification under which it holds what a source has found in its files."""


SPLITS_OF: Mapping[str, tuple[str, ...]] = {"test": ("test",), "train": ("train", "validation")}
"""The splits that a source makes, by an option that chooses between test and training."""


class Split(NamedTuple):
    """The examples of one split, made lazily."""

    examples: Iterable[Example]
    """The examples."""
    total: int | None = None
    """Number of examples before any is skipped, if known."""


class Source(Protocol):
    """A maker of examples in splits, with their card text and their facts.

    A source is made from its specification and listed in `catalog`, where `ninefold data verify` finds its facts by the
    name in the manifest. A user's own source that inherits from this class needs only ``name``, ``spec_type`` and
    `splits`.
    """

    name: ClassVar[str]
    """Its name in the manifest."""
    spec_type: ClassVar[type]
    """The frozen dataclass of its specification; the command line makes options from its fields."""
    spec: Any
    """The specification."""
    embed: bool = True
    """Whether images that are paths are copied into the data set."""

    from_spec_alone: bool = False
    """Whether rows follow from the specification without files: then every verification makes their text again."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec

    def splits(self) -> Mapping[str, Split]:
        """Return the splits.

        Raises:
            NinefoldError: If the specification cannot be met.
        """
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return everything that determines the rows, for the manifest: plain JSON values, all defaults resolved."""
        values = asdict(self.spec)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    def found(self) -> Mapping[str, Any]:
        """Return what the files say beyond the specification, for the manifest, in JSON types; nothing by default.

        A benchmark has ``revision`` of the official files and ``official_rows``, the number of their rows: those that
        the data set lacks were left out.
        """
        return {}

    def files(self) -> Iterable[Path]:
        """Return the files that rows come from, in the folders that the specification names.

        A data set that is older than one of them is made again. By default all files of its folder ``images``, if it
        has one.
        """
        return files_below(getattr(self.spec, "images", None))

    def split_names(self) -> tuple[str, ...] | None:
        """Return the names of the splits, or None if they are known only when the files are read."""
        return None

    @classmethod
    def spec_of(cls, settings: Mapping[str, Any]) -> Any:
        """Return the specification that has these settings (see `settings`), with paths under the names of its fields.

        Raises:
            DesignError: If a value is not one of the specification's.
        """
        return from_json(cls.spec_type, settings)

    def about(self) -> "About":
        """Return the content of card and manifest: title, text, specification, question, labels, meaning of columns.

        ``clustering`` is the unit of intervals: "census" if the rows are complete, "group" if they are a sample in
        which rows of one group have correlated errors. ``skipped`` is filled while the splits are read.
        """
        from ninefold.data.format.card import About

        return About(
            title=self.name, description=getdoc(type(self)) or self.name, spec=self.settings(), source=self.name
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of its rows.

        Args:
            spec: The specification in the manifest.
            question: The name of the question in the manifest.
        """
        from ninefold.data.checks.facts import SourceFacts

        return SourceFacts()

    @staticmethod
    def measures(table: "pd.DataFrame") -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Return the figures of a benchmark from a score table (see `ninefold.evaluation.score`).

        Returns:
            The figures by name (see `ninefold.runs.shape.Measure`), first the one that papers print; and the figures of
            parts: factor, value of the factor, name of the figure. By default None: the source is no benchmark.
        """
        return None


def recorded(source: Source) -> Mapping[str, Any]:
    """Return a specification as the manifest holds it: the settings, and what was found in files under `FOUND`."""
    # A source that does not inherit from the protocol has what was needed when it was written.
    found = source.found() if hasattr(source, "found") else {}
    return {**source.settings(), FOUND: dict(found)} if found else source.settings()


def files_below(folder: Path | None) -> Iterator[Path]:
    """Yield all files of a folder, however deep; none of no folder."""
    for root, _, names in os.walk(folder) if folder is not None else ():
        yield from (Path(root, name) for name in names)


def split_names(source: Source) -> tuple[str, ...] | None:
    """Return the names of a source's splits, or None if they are known only when the files are read."""
    return source.split_names() if hasattr(source, "split_names") else None


def is_benchmark(source: type[Source]) -> bool:
    """Whether a source has figures of its own."""
    return getattr(source, "measures", Source.measures) is not Source.measures


class Skips:
    """A count of skipped rows by reason, with the first few names of each."""

    def __init__(self, shown: int = 5) -> None:
        self.entries: list[dict[str, Any]] = []
        """``{"reason": .., "count": .., "names": [..]}`` for each reason so far, in order of first occurrence."""
        self._shown = shown

    def add(self, reason: str, name: str) -> None:
        """Count one skipped row under a reason."""
        entry = next((entry for entry in self.entries if entry["reason"] == reason), None)
        if entry is None:
            entry = {"reason": reason, "count": 0, "names": []}
            self.entries.append(entry)
        entry["count"] += 1
        if entry["count"] <= self._shown:
            entry["names"].append(printable(name))

    def summary(self) -> str:
        """Return the reasons for an error message: `` (left out: ..: 3, first ..)``, or "" if nothing was skipped."""
        parts = [f"{entry['reason']}: {entry['count']:,}, first {entry['names'][0]}" for entry in self.entries]
        return f" (left out: {'; '.join(parts)})" if parts else ""
