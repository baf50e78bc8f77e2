"""The architectures of the nano bases by family; a new one is listed here."""

from ninefold.nano.architecture import Architecture
from ninefold.nano.architectures import clip, llava, llava_next, llava_onevision, molmo, qwen2_vl

ARCHITECTURES: dict[str, Architecture] = {
    module.ARCHITECTURE.family: module.ARCHITECTURE
    for module in (llava, clip, llava_next, llava_onevision, molmo, qwen2_vl)
}
"""LLaVA's first: the others start from its weights."""
