"""What the nano world and its recipe are told; read by the command line, so nothing heavy is imported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class WorldSpec:
    """Photo-like pictures to make."""

    pictures: int = 300
    """How many pictures."""
    seed: int = 1
    """Names the pictures; the bases were trained on streams of other names, so that no seed repeats theirs."""


@dataclass(frozen=True)
class PretrainSpec:
    """The recipe of one base."""

    out: Path
    """Folder for checkpoints, the log, and at the end the base itself (in `base/`)."""
    family: Literal["llava", "clip", "llava-next", "llava-onevision", "molmo", "qwen2-vl"] = "llava"
    """Whose architecture; all but LLaVA's begin from what fits them of LLaVA's base."""
    seed: int = 0
    """Names every random stream."""
    eye_steps: int | None = None
    """Steps of stage 1; by default the family's."""
    eye_batch: int = 40
    """Pictures a step of stage 1."""
    eye_rate: float = 2e-3
    """Highest learning rate of stage 1."""
    place_steps: int | None = None
    """Steps of stage 2, with as many pictures; by default the family's."""
    place_rate: float = 1.5e-3
    """Highest learning rate of stage 2."""
    steps: int | None = None
    """Steps of stage 3; by default the family's."""
    batch: int = 24
    """Pictures a step of stage 3, with about nine turns each."""
    rate: float = 1.2e-3
    """Highest learning rate of stage 3."""
    looking: float = 1.0
    """Weight of showing where to look in stage 3; it fades from three tenths on, to nothing at eight."""
    naming: float = 1.0
    """Weight of the heads on image tokens during stage 3."""
    checkpoint_every: int = 250
    """Steps between checkpoints."""
    textures: int = 300
    """Different backgrounds of the photo-like pictures."""
