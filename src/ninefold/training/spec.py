"""The specification of a training run: plain values without torch, of which the command line makes its options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ninefold.errors import ModelError, RunError
from ninefold.models.family import Schedule, Scope
from ninefold.models.spec import ModelSpec, base_spec


@dataclass(frozen=True)
class TrainSpec:
    """Fine-tune a model on data sets."""

    model: Annotated[ModelSpec, tyro.conf.arg(constructor=base_spec)]
    """The base model, without an adapter; training chooses its devices."""
    data: tuple[Path, ...]
    """Data set folders; several are trained on together."""
    train_split: str = "train"
    """The split to learn from."""
    validation_split: str = "validation"
    """The split whose loss decides which epoch is the best, and when to stop."""
    limit: int | None = None
    """Rows of each split, the first ones; by default all."""
    seed: int = 0
    """Seed of LoRA's initial values and of the order of the examples."""
    lora_scope: Scope = "vision+language"
    """The modules that are trained. With LoRA: query, key and value in vision and language (the paper's), or in the
    language model alone. With `--method full`: all weights, or those of the language model alone."""
    method: Literal["lora", "full"] = "lora"
    """LoRA (the paper's), or full fine-tuning of the weights themselves."""
    rank: int = 32
    """Rank of LoRA's matrices (the paper's)."""
    alpha: int = 64
    """Scale of LoRA's update, before division by the rank (the paper's)."""
    dropout: float = 0.0
    """Dropout probability on the input of LoRA's matrices (the authors' code has none)."""
    init: Literal["gaussian", "default"] = "gaussian"
    """Initialization of LoRA's first matrix: Gaussian (the authors' code), or PEFT's default, uniform."""
    targets: str | None = None
    """Modules that LoRA adapts, instead of the scope's: names separated by commas, or a regular expression that their
    full names match."""
    learning_rate: float | None = None
    """Learning rate of AdamW; by default the family's: the paper's 1e-4 for real models. SpaRE takes 3e-5 with
    `--method full`."""
    batch: int | None = None
    """Examples per optimizer step; by default the family's: 16. The paper gives none."""
    micro_batch: int | None = None
    """Examples per forward pass; by default as many as a probe finds room for. It changes memory and speed alone, never
    `--batch`."""
    recompute: bool | None = None
    """Gradient checkpointing: activations are computed again in the backward pass, which saves memory and takes time;
    by default only where they do not fit in memory."""
    epochs: int = 10
    """Passes over the data, at most (the paper's)."""
    patience: int = 2
    """Epochs without a better validation loss after which training stops (the paper's)."""
    schedule: Schedule | None = None
    """Course of the learning rate; by default the family's: constant. The paper gives none."""
    warmup: float = 0.0
    """Fraction of all steps over which the learning rate rises from zero."""
    weight_decay: float = 0.01
    """Weight decay of AdamW; torch's default, as in the authors' sibling code."""
    clip: float = 1.0
    """Largest norm of the gradient, beyond which it is scaled down; 0 for no limit."""
    features: Literal["auto", "on", "off"] = "auto"
    """Vision features, computed once for each image and reused in every epoch; by default wherever the vision tower and
    its projector are not trained, as with `--lora-scope language`."""
    features_folder: Path | None = None
    """Folder that keeps vision features, for other runs too; by default memory, or the user's cache where they do not
    fit."""
    checkpoint_steps: int = 500
    """Optimizer steps between checkpoints, from which an interrupted run resumes; every epoch ends with one besides."""

    def __post_init__(self) -> None:
        """Refuse values out of range."""
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
            raise RunError("--targets: names the modules that LoRA adapts; leave it out with --method full")
        if self.model.adapter is not None:
            raise ModelError(
                f"{self.model.adapter}: the model has an adapter already; train another from its base alone"
            )
        if self.model.device != "auto":
            raise RunError(f"--device {self.model.device}: training chooses devices; set CUDA_VISIBLE_DEVICES instead")
        if not self.data:
            raise RunError("--data: name at least one data set folder")
