"""What a training run is told: plain values, no torch, so that the command line can derive its options from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ninefold.errors import ModelError, RunError
from ninefold.models.families import Schedule, Scope
from ninefold.models.spec import ModelSpec, base_spec


@dataclass(frozen=True)
class TrainSpec:
    """Fine-tune a model on the answers of a data set."""

    model: Annotated[ModelSpec, tyro.conf.arg(constructor=base_spec)]
    """Which model is tuned; it has no adapter yet, and training chooses its devices."""
    data: tuple[Path, ...]
    """Data set folders; several are trained on together."""
    train_split: str = "train"
    """The split to learn from."""
    validation_split: str = "validation"
    """The split that early stopping and the choice of the best epoch look at."""
    limit: int | None = None
    """Only the first so many rows of each split."""
    seed: int = 0
    """Decides LoRA's first values and the order of the data."""
    lora_scope: Scope = "vision+language"
    """What is trained: query, key and value in both halves (the paper's), or in the language model alone; with
    `--method full` all weights, or all of the language model."""
    method: Literal["lora", "full"] = "lora"
    """Train LoRA's matrices beside the weights (the paper's), or the weights themselves."""
    rank: int = 32
    """Rank of LoRA's matrices (the paper's)."""
    alpha: int = 64
    """LoRA's scale, before division by the rank (the paper's)."""
    dropout: float = 0.0
    """Of what goes into LoRA's matrices (the authors' code has none)."""
    init: Literal["gaussian", "default"] = "gaussian"
    """How LoRA's first matrix starts: Gaussian (the authors' code), or PEFT's default, uniform."""
    targets: str | None = None
    """What LoRA adapts, instead of the scope's: names of modules separated by commas, or a regular expression that
    their full names match."""
    learning_rate: float | None = None
    """Of AdamW; by default the family's: the paper's 1e-4 for real models. SpaRE takes 3e-5 with `--method full`."""
    batch: int | None = None
    """Examples per optimizer step; by default the family's: 16. The paper gives none."""
    micro_batch: int | None = None
    """Examples per forward pass; measured and chosen by itself. It changes memory and speed alone, never `batch`."""
    recompute: bool | None = None
    """Whether activations are computed again in the backward pass (gradient checkpointing); by itself only where they
    do not fit."""
    epochs: int = 10
    """At most so many passes over the data (the paper's)."""
    patience: int = 2
    """Stop after so many epochs without a better validation loss (the paper's)."""
    schedule: Schedule | None = None
    """How the learning rate moves; by default the family's: constant. The paper gives none."""
    warmup: float = 0.0
    """Fraction of all steps over which the learning rate rises from zero."""
    weight_decay: float = 0.01
    """Of AdamW; torch's default, as in the authors' sibling code."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 for no limit."""
    features: Literal["auto", "on", "off"] = "auto"
    """Whether what the vision tower makes of each picture is computed once and kept; by itself wherever the tower and
    its projector are not trained, as with `--lora-scope language`."""
    features_folder: Path | None = None
    """Keep features here, for other runs too; by default in memory, and where they do not fit in the user's cache."""
    checkpoint_steps: int = 500
    """Save what a resumed run needs every so many steps, besides after every epoch."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        positive = (
            "rank",
            "alpha",
            "learning_rate",
            "batch",
            "micro_batch",
            "epochs",
            "patience",
            "limit",
            "checkpoint_steps",
        )
        for name in positive:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise RunError(f"--{name.replace('_', '-')} {value}: must be greater than 0")
        for name in ("seed", "weight_decay", "clip"):
            if getattr(self, name) < 0:
                raise RunError(f"--{name.replace('_', '-')} {getattr(self, name)}: must not be negative")
        for name in ("warmup", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise RunError(f"--{name} {getattr(self, name)}: must be at least 0 and less than 1")
        if self.method == "full" and self.targets is not None:
            raise RunError("--targets: says where LoRA goes; leave it out with --method full")
        if self.model.adapter is not None:
            raise ModelError(
                f"{self.model.adapter}: the model has an adapter already; train another from its base alone"
            )
        if self.model.device != "auto":
            raise RunError(f"--device {self.model.device}: training chooses devices; set CUDA_VISIBLE_DEVICES instead")
        if not self.data:
            raise RunError("--data: name at least one data set folder")
