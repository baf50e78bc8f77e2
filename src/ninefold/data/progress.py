"""A bar on standard error while examples are made."""

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.progress import track

from ninefold.types import Example


def shown(parts: Mapping[str, Iterable[Example]], totals: Mapping[str, int]) -> dict[str, Iterable[Example]]:
    """Return the parts of a data set, each with a bar that moves while it is taken."""
    console = Console(stderr=True)
    return {
        split: track(part, description=f"{split} pictures", total=totals[split], console=console)
        for split, part in parts.items()
    }
