"""A row of the table of families: only data; a new family is a new row. No heavy imports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Scope = Literal["vision+language", "language"]
"""The part of the model that is trained: both halves, as in the authors' code, or only the language model."""

Schedule = Literal["constant", "linear", "cosine"]
"""The schedule of the learning rate after its warm-up."""

Optimizer = Literal["adamw", "adamw-8bit"]
"""The optimizer: AdamW, or AdamW whose two moments are stored in 8 bits (Dettmers et al. 2022)."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""The data type of computation; "auto": float32 on a CPU and for nano bases, otherwise the checkpoint's own."""

TextForm = Literal["question and option", "prompt and option", "option", "sentence"]
"""The form of a dual encoder's candidate texts, such as "Where is the red square? top left" (as in the paper), the same
after the whole prompt with its list of options, "top left", or "the red square is in the top left"."""

QUESTION_AND_OPTION: TextForm = "question and option"
"""The paper's form of a dual encoder's candidate texts (section 5)."""

ImageLayout = Literal["one size", "tiles", "patches", "crops"]
"""Image layouts: one size for all; tiles with a thumbnail; one tile of any shape in patches; crops with a thumbnail."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Default training settings of a family; each can be overridden."""

    learning_rate: float = 1e-4
    """Peak learning rate; the paper's (section 5)."""
    batch: int = 16
    """Examples per optimizer step; not in the paper, 1 in the authors' related code."""
    schedule: Schedule = "constant"
    """Schedule of the learning rate; not in the paper, none in the authors' related code."""


@dataclass(frozen=True, slots=True)
class VllmAdapters:
    """What vLLM serves of a family's adapters; names are those of modules in transformers."""

    architecture: str
    """Its class in vLLM, which ``config.json`` names."""
    language: str = r"model\.language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
    """Regular expression of the modules of the language model that it adapts."""
    vision: str | None = None
    """Regular expression of those of the vision tower, which need ``--enable-tower-connector-lora``; None for none."""
    renamed: tuple[str, str] = ("", "")
    """A part of the names, and what vLLM looks for instead."""


NANO_BASES = Path(__file__).parent / "weights"
"""Folder of the nano bases, each in a subfolder named after its family."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: everything about it that is data. The defaults suit a family without a row."""

    name: str
    """Its name for `--model`."""
    class_name: str
    """Its class in transformers, or in a port of this package."""
    model_types: tuple[str, ...]
    """``model_type`` in the ``config.json`` of its checkpoints."""
    checkpoints: tuple[str, ...]
    """Hub ids, the default first."""
    scopes: Mapping[Scope, str]
    """For each scope, the regular expression of the full names of the modules that LoRA adapts."""
    needs: str
    """Its download size and hardware, in one sentence."""
    kind: Literal["generative", "dual"] = "generative"
    """Whether it generates its answer, or chooses the text nearest to the image."""
    preset: Preset = Preset()
    """Default training settings."""
    notes: str = ""
    """Notes on its image input and limits."""
    ported: bool = False
    """Whether transformers lacks its class, and a port of this package has it."""
    image_layout: ImageLayout | None = None
    """Its processor's layout of an image; by default recognized from the names of the tensors."""
    image_padding: Mapping[str, float] = field(default_factory=dict)
    """Padding value of an image's tensors, by name, for batches in which other images have more tiles; default 0."""
    sequence_indices: tuple[str, ...] = ()
    """Names of image tensors that hold sequence positions: padding on the left shifts their values."""
    position_inputs: tuple[str, ...] = ("image_grid_thw",)
    """Names of image tensors that determine token positions; needed even if features are given."""
    tokenwise_modules: str = r"(?:.*\.)?layers\.(\d+)\.(?:self_attn\.o_proj|mlp)"
    """Modules of a decoder layer that process each token separately, after attention; group 1 is the layer's number.

    A regular expression of their names, counted from the decoder.
    """
    vllm: VllmAdapters | str = "whether {vllm} serves adapters of this model is not known; {instead}"
    """What vLLM serves of its adapters (see `ninefold.models.export.vllm`); for none, the reason."""
    vision_tower: str = ""
    """Regular expression found in the names of the vision tower's modules, without the projector."""
    vision_modules: str = r"(^|[._])(vision|visual|image|multi_modal|projector|connector|merger)"
    """Regular expression found in the names of modules that process images, including the projector."""

    def is_vision(self, name: str) -> bool:
        """Return whether the module or weight with this name processes images."""
        return re.search(self.vision_modules, name) is not None

    @property
    def nano(self) -> Path | None:
        """Return the folder of its nano base; None without one."""
        folder = NANO_BASES / self.name
        return folder if (folder / "config.json").is_file() else None
