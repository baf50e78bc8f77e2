"""A row of the table of families: data alone, so that a new family is a new row. Nothing heavy is imported."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Scope = Literal["vision+language", "language"]
"""Where LoRA adapts the attention: in both halves, as the authors' code does, or in the language model alone."""

Schedule = Literal["constant", "linear", "cosine"]
"""How the learning rate moves after its warm-up."""

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""The data type to compute in; "auto": float32 on a CPU and for the nano bases, the checkpoint's own elsewhere."""

ImageLayout = Literal["one size", "tiles", "patches", "crops"]
"""All images at one size; tiles and a thumbnail; one tile of any shape, in patches; overlapping crops, a thumbnail."""


@dataclass(frozen=True, slots=True)
class Preset:
    """Training settings that suit a family; each can be overridden."""

    learning_rate: float = 1e-4
    """The paper's (section 5)."""
    batch: int = 16
    """Examples per optimizer step; the paper gives none, the authors' sibling code uses 1."""
    schedule: Schedule = "constant"
    """The paper gives none, the authors' sibling code has none."""


NANO_BASES = Path(__file__).parent / "weights"
"""A folder for each of the small bases that come with the package, by the name of its family."""


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models: everything about it that is not code. All defaults suit a family without a row."""

    name: str
    """Its name, as `--model` takes it."""
    class_name: str
    """Its class in transformers, or in a port of this package."""
    model_types: tuple[str, ...]
    """``model_type`` in the ``config.json`` of its checkpoints."""
    checkpoints: tuple[str, ...]
    """Hub ids, the default first."""
    scopes: Mapping[Scope, str]
    """For each scope, the regular expression that the full names of the modules LoRA adapts must match."""
    needs: str
    """Download and hardware that it needs, in one sentence."""
    kind: Literal["generative", "dual"] = "generative"
    """Whether it writes its answer, or chooses the text nearest to the image."""
    preset: Preset = Preset()
    """Training settings, where nothing else is asked for."""
    notes: str = ""
    """What a user should know before trusting its figures."""
    image_layout: ImageLayout | None = None
    """How its processor lays out an image; told from the names of the tensors where a row does not say."""
    image_padding: Mapping[str, float] = field(default_factory=dict)
    """Padding of an image's tensors, by name, where other images of a batch have more tiles; 0 for all others."""
    sequence_indices: tuple[str, ...] = ()
    """An image's tensors that hold positions of the sequence: padding on the left moves them."""
    position_inputs: tuple[str, ...] = ("image_grid_thw",)
    """An image's tensors that positions of tokens are computed from, needed even where its features are given."""
    tokenwise_modules: str = r"(?:.*\.)?layers\.(\d+)\.(?:self_attn\.o_proj|mlp)"
    """Modules of a decoder layer that compute each token alone, after attention has mixed them; the group is the layer.

    A regular expression that their names, from the decoder on, must match.
    """
    vision_tower: str = ""
    """Modules of the vision tower without the projector: a regular expression found in their names."""
    vision_modules: str = r"(^|[._])(vision|visual|image|multi_modal|projector|connector|merger)"
    """Modules that work on images, up to and with the projector: a regular expression found in their names."""

    def is_vision(self, name: str) -> bool:
        """Whether a module or a weight of a name works on images."""
        return re.search(self.vision_modules, name) is not None

    @property
    def nano(self) -> Path | None:
        """The folder of its nano base, where the package has one."""
        folder = NANO_BASES / self.name
        return folder if (folder / "config.json").is_file() else None
