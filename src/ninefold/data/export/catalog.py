"""The catalog of exporters by the name that ``--to`` takes; no heavy imports."""

from collections.abc import Mapping
from types import MappingProxyType

from ninefold.data.export.llama_factory import LlamaFactory
from ninefold.data.export.lmms_eval import LmmsEval
from ninefold.data.export.protocol import Exporter
from ninefold.data.export.vlmevalkit import VlmEvalKit

EXPORTERS: Mapping[str, Exporter] = MappingProxyType(
    {exporter.name: exporter for exporter in (LlamaFactory(), VlmEvalKit(), LmmsEval())}
)
"""The exporters by name."""
