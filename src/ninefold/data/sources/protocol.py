"""The protocol of a source: what makes examples, and states what holds of them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from inspect import getdoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About

# The command line reads specifications for its --help: what is heavy (numpy, pyarrow) is imported where it is used.


class Split(NamedTuple):
    """The examples of one split, made one by one as they are asked for."""

    examples: Iterable[Example]
    """The examples."""
    total: int | None = None
    """How many there are, before any is skipped, where that is known."""


class Source(Protocol):
    """A specification that yields splits of examples, with all that is said and checked of them.

    A source is made from its specification, and listed in `catalog`, so that `ninefold data verify` finds its facts by
    the name that the manifest has. A source of a user's own needs only ``name``, ``spec_type`` and `splits` where it
    inherits from this class.
    """

    name: ClassVar[str]
    """The word that the manifest names it by."""
    spec_type: ClassVar[type]
    """The frozen dataclass that it is made from; the command line reads its fields."""
    spec: Any
    """The specification."""
    embed: bool = True
    """Whether images that are paths are copied into the data set."""

    def __init__(self, spec: Any) -> None:
        self.spec = spec

    def splits(self) -> Mapping[str, Split]:
        """Return the splits.

        Raises:
            NinefoldError: If the specification cannot be met.
        """
        ...

    def settings(self) -> Mapping[str, Any]:
        """Return all that decides the rows, as the manifest keeps it: plain JSON values, every default resolved."""
        values = asdict(self.spec)
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    def about(self) -> "About":
        """Return what the card and the manifest say: title, text, specification, question, labels, meaning of columns.

        ``clustering`` says how intervals are computed: "census" where the rows are all there are, "group" where they
        are a sample in which rows of one group err together. ``skipped`` is filled while the splits are read.
        """
        from ninefold.data.format.card import About

        return About(
            title=self.name, description=getdoc(type(self)) or self.name, spec=self.settings(), source=self.name
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return what holds of its rows.

        Args:
            spec: The specification as the manifest has it.
            question: The name of the question, as the manifest has it.
        """
        from ninefold.data.checks.facts import SourceFacts

        return SourceFacts()


class Skips:
    """What cannot be used and why: counted, with the first few names of each kind."""

    def __init__(self, shown: int = 5) -> None:
        self.entries: list[dict[str, Any]] = []
        """``{"reason": .., "count": .., "names": [..]}`` for each reason met so far, in the order they were met."""
        self._shown = shown

    def add(self, reason: str, name: str) -> None:
        """Count one thing that is skipped for a reason."""
        entry = next((entry for entry in self.entries if entry["reason"] == reason), None)
        if entry is None:
            entry = {"reason": reason, "count": 0, "names": []}
            self.entries.append(entry)
        entry["count"] += 1
        if entry["count"] <= self._shown:
            entry["names"].append(name)
