"""The protocol of an engine: captions in, pairs out."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from ninefold.captions.caption import Caption
from ninefold.captions.pair import Generated


@runtime_checkable
class Filter(Protocol):
    """A judge of captions: whether one states a spatial relation (section 3, step 1 of the paper)."""

    name: str
    """Its name in options and cards."""

    def settings(self) -> Mapping[str, Any]:
        """Return everything that determines its verdicts, in JSON types."""
        ...

    def judge(self, captions: Sequence[Caption]) -> list[bool | None]:
        """Return for each caption whether it states a spatial relation; None if no verdict can be had."""
        ...


class Engine(Protocol):
    """A maker of pairs. What it returns depends on the caption and on its settings alone, never on its neighbors."""

    name: str
    """Its name in options and cards."""

    def settings(self) -> Mapping[str, Any]:
        """Return everything that determines its output, in JSON types: a name, versions, hashes of prompts."""
        ...

    def generate(self, captions: Sequence[Caption]) -> list[Generated]:
        """Return what it makes of each caption, in order.

        Raises:
            NinefoldError: If no further caption can be answered, such as by a server that is gone.
        """
        ...
