"""The catalog of exporters by the name that ``--to`` takes; no heavy imports."""

from collections.abc import Mapping
from types import MappingProxyType

from ninefold.data.export.llama_factory import LlamaFactory
from ninefold.data.export.protocol import Exporter

EXPORTERS: Mapping[str, Exporter] = MappingProxyType({exporter.name: exporter for exporter in (LlamaFactory(),)})
"""The exporters by name."""
