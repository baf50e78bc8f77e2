"""The catalog of native benchmarks by the name that `ninefold evaluate --benchmark` takes; no heavy imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark that is asked and scored here."""

    name: str
    """Name in commands and records."""
    title: str
    """Name in tables."""
    source: str
    """Name of its source (see `ninefold.data.sources.catalog`)."""
    files: str
    """The official files that its folder must hold, in one line."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the source's specification, besides the folder."""


_ALL = (
    Benchmark("whatsup-a", "What's Up A", "whatsup", "controlled_images_dataset.json and its images", {"subset": "A"}),
    Benchmark("whatsup-b", "What's Up B", "whatsup", "controlled_clevr_dataset.json and its images", {"subset": "B"}),
    Benchmark("3dsrbench", "3DSRBench", "3dsrbench", "3dsrbench_v1_vlmevalkit_circular.tsv, which holds the images"),
)

BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType({each.name: each for each in _ALL})
"""The benchmarks by name, in the order of tables."""
