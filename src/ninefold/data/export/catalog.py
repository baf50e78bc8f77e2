"""The catalog of exporters by the name that ``--to`` takes."""

from collections.abc import Mapping
from types import MappingProxyType

from ninefold.data.export.axolotl import Axolotl
from ninefold.data.export.llama_factory import LlamaFactory
from ninefold.data.export.llava import Llava
from ninefold.data.export.lmms_eval import LmmsEval
from ninefold.data.export.ms_swift import MsSwift
from ninefold.data.export.openai_batch import OpenAiBatch
from ninefold.data.export.protocol import Exporter
from ninefold.data.export.trl import Trl
from ninefold.data.export.vlmevalkit import VlmEvalKit
from ninefold.data.export.webdataset import WebDataset

_ALL: tuple[Exporter, ...] = (
    Trl(),
    LlamaFactory(),
    MsSwift(),
    Llava(),
    Axolotl(),
    VlmEvalKit(),
    LmmsEval(),
    OpenAiBatch(),
    WebDataset(),
)

EXPORTERS: Mapping[str, Exporter] = MappingProxyType({exporter.name: exporter for exporter in _ALL})
"""The exporters by name."""
