"""The source of a public benchmark, whose rows are those of official files in a user's folder."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar

from ninefold.data.sources.protocol import SPLITS_OF, Skips, Source
from ninefold.types import Clustering

_NO_SETTINGS = {"directory", "images", "embed"}
"""Fields of specifications that decide no row, given what is in the folders."""


class BenchmarkSource(Source):
    """A source whose rows are those of a public benchmark: of one split, and what errs together is in one group."""

    clustering: ClassVar[Clustering] = "group"

    def __init__(self, spec: Any) -> None:
        super().__init__(spec)
        self.skips = Skips()
        """Skipped rows by reason; complete after the splits have been read."""

    def split_names(self) -> tuple[str, ...]:
        """Return "test"."""
        return SPLITS_OF["test"]

    def settings(self) -> Mapping[str, Any]:
        """Return the settings that determine the rows, given the official files."""
        return {name: value for name, value in asdict(self.spec).items() if name not in _NO_SETTINGS}
