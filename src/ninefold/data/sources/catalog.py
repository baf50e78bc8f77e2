"""The sources, by name: a new one is a file of this room and a line here.

A user's own is added with `register_source`, from any file.
"""

from typing import TYPE_CHECKING, Any

from ninefold.data.sources.coco.source import CocoSource
from ninefold.data.sources.protocol import Source
from ninefold.data.sources.synthetic import SyntheticSource
from ninefold.errors import DesignError

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.manifest import Manifest

_SHIPPED: tuple[type[Source], ...] = (SyntheticSource, CocoSource)

SOURCES: dict[str, type[Source]] = {source.name: source for source in _SHIPPED}
"""The sources by name, the word that a manifest has."""


def source_of(spec: Any) -> Source:
    """Return the source of a specification.

    Raises:
        DesignError: If no source is made from such a specification.
    """
    for source in SOURCES.values():
        if type(spec) is source.spec_type:
            return source(spec)
    known = ", ".join(source.spec_type.__name__ for source in SOURCES.values())
    raise DesignError(f"{type(spec).__name__}: no source is made from it; known specifications: {known}")


def facts_of(manifest: "Manifest") -> "SourceFacts | None":
    """Return what holds of the rows of a data set, or None where its source is not known here."""
    source = SOURCES.get(manifest.source)
    return source.facts(manifest.spec, manifest.question) if source else None


def register_source(source: type[Source]) -> None:
    """Make a source known by its name; one that was registered before under that name is replaced.

    Raises:
        DesignError: If the name is that of a source of this package.
    """
    if source.name in {shipped.name for shipped in _SHIPPED}:
        raise DesignError(f"source {source.name!r}: ninefold has one of this name; choose another")
    SOURCES[source.name] = source
