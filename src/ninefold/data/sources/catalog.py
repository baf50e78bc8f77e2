"""The catalog of sources by name: a new one is a file of this room and a line here.

Users add their own with `register_source`, from any file.
"""

from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any

from ninefold.data.format import further
from ninefold.data.sources.benchmarks.realworldqa import RealWorldQaSource
from ninefold.data.sources.benchmarks.threedsrbench import ThreeDsrBenchSource
from ninefold.data.sources.benchmarks.vsr import VsrSource
from ninefold.data.sources.benchmarks.whatsup import WhatsUpSource
from ninefold.data.sources.coco.flawed import FlawedSource
from ninefold.data.sources.coco.general import GeneralSource
from ninefold.data.sources.coco.relations import RelationsSource
from ninefold.data.sources.coco.source import CocoSource
from ninefold.data.sources.descriptions import DescriptionsSource
from ninefold.data.sources.protocol import Source
from ninefold.data.sources.synthetic import SyntheticSource
from ninefold.errors import DesignError

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.manifest import Manifest

_SHIPPED: tuple[type[Source], ...] = (
    SyntheticSource,
    CocoSource,
    FlawedSource,
    GeneralSource,
    DescriptionsSource,
    RelationsSource,
    VsrSource,
    WhatsUpSource,
    ThreeDsrBenchSource,
    RealWorldQaSource,
)

COMMANDS = ("verify", "overlap", "leakage", "questions")
"""The commands of `ninefold data` that are no sources."""

SOURCES: dict[str, type[Source]] = {source.name: source for source in _SHIPPED}
"""The sources by the name that manifests store."""


def source_of(spec: Any) -> Source:
    """Return the source of a specification.

    Raises:
        DesignError: If no source has this type of specification.
    """
    for source in SOURCES.values():
        if type(spec) is source.spec_type:
            return source(spec)
    known = ", ".join(source.spec_type.__name__ for source in SOURCES.values())
    raise DesignError(f"{type(spec).__name__}: no source is made from it; known specifications: {known}")


def facts_of(manifest: "Manifest") -> "SourceFacts | None":
    """Return the facts of a data set's rows, or None if its source is unknown here."""
    if manifest.source == further.SOURCE:
        from ninefold.data.sources import pair_facts

        return pair_facts.facts(manifest.spec)
    source = SOURCES.get(manifest.source)
    return source.facts(manifest.spec, manifest.question) if source else None


def register_source(source: type[Source]) -> None:
    """Register a source under its name; an earlier registration of that name is replaced.

    Raises:
        DesignError: If the class lacks a name or a type of specification, or ninefold itself has a source or a command
            of `ninefold data` of this name.
    """
    name, spec_type = getattr(source, "name", None), getattr(source, "spec_type", None)
    if not (isinstance(name, str) and name and isinstance(spec_type, type) and is_dataclass(spec_type)):
        raise DesignError(
            f"source {getattr(source, '__name__', source)}: needs a name, and "
            "spec_type, the dataclass of its specification"
        )
    if name in COMMANDS:
        raise DesignError(f"source {name!r}: `ninefold data` has a command of this name; choose another")
    if source.name in {further.SOURCE, *(shipped.name for shipped in _SHIPPED)}:
        raise DesignError(f"source {source.name!r}: ninefold has one of this name; choose another")
    SOURCES[source.name] = source
