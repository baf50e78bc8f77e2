"""Settings of the nano world and of pretraining; read by the command line, hence without heavy imports."""

from dataclasses import dataclass, fields
from pathlib import Path

from ninefold.errors import DesignError
from ninefold.specs import check_finite, option

CAPTIONS = "captions.jsonl"
"""File of descriptions, a row for each image: id, image, caption, and its labelled objects with their boxes."""


@dataclass(frozen=True)
class WorldSpec:
    """Settings of photo-like images."""

    pictures: int = 300
    """Number of images."""
    seed: int = 1
    """Seed of the images; with every seed they differ from the images that the bases were trained on."""


@dataclass(frozen=True)
class PretrainSpec:
    """Settings of the pretraining of one base."""

    out: Path
    """Folder for checkpoints, the log and the finished base (in `base/`)."""
    family: str = "llava"
    """A family with a nano base (see `ninefold models`); all except LLaVA start from the weights of LLaVA's base."""
    seed: int = 0
    """Seed of all random numbers."""
    vision_steps: int | None = None
    """Optimizer steps of stage 1, vision; by default the family's."""
    vision_batch: int = 40
    """Images per step of stages 1 and 2."""
    vision_rate: float = 2e-3
    """Peak learning rate of stage 1."""
    position_steps: int | None = None
    """Optimizer steps of stage 2, positions; by default the family's."""
    position_rate: float = 1.5e-3
    """Peak learning rate of stage 2."""
    language_steps: int | None = None
    """Optimizer steps of stage 3, language; by default the family's."""
    language_batch: int = 24
    """Images per step of stage 3, with about nine questions each."""
    language_rate: float = 1.2e-3
    """Peak learning rate of stage 3."""
    attention_weight: float = 1.0
    """Weight of the attention loss in stage 3; it decreases to zero between 30 and 80 % of the stage."""
    heads_weight: float = 1.0
    """Weight of the losses of the heads on image tokens in stage 3."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    textures: int = 300
    """Number of backgrounds of the photo-like images."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            DesignError: If a number is infinite or negative, or if there are no batches, checkpoints or backgrounds.
        """
        check_finite(self)
        at_least_one = {"vision_batch", "language_batch", "checkpoint_every", "textures"}
        for field in fields(self):
            value, least = getattr(self, field.name), int(field.name in at_least_one)
            if isinstance(value, int | float) and value < least:
                raise DesignError(f"{option(field.name)} {value}: must be at least {least}")
