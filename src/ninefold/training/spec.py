"""The specification of a training run: plain values without torch; the command line makes options from them."""

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ninefold.errors import ModelError, RunError
from ninefold.models.family import Optimizer, Schedule, Scope
from ninefold.models.load import check_trainable
from ninefold.models.spec import ModelSpec, base_spec
from ninefold.specs import check_choices, check_finite, folders_of, option

LARGEST_SEED = 2**32 - 1
"""Largest seed that the random generators of all libraries take."""


CONVERSATION_TOKENS = 1024
"""Largest number of tokens of a conversation by default: about 40 short questions with their answers."""


@dataclass(frozen=True)
class TrainSpec:
    """Fine-tuning of a model on data sets."""

    model: Annotated[ModelSpec, tyro.conf.arg(constructor=base_spec)]
    """The base model, without an adapter; training chooses its devices."""
    data: tuple[Path, ...]
    """Folders of data sets; several are used together."""
    weights: Annotated[tuple[float, ...], tyro.conf.arg(metavar="FLOAT ...")] = ()
    """Shares of the data sets in an epoch, one number for each, such as 0.25 0.75; they need not sum to 1. Each set is
    walked through in a random order, again and again. By default each epoch holds all examples of all sets."""
    epoch_examples: int | None = None
    """With `--weights`, number of training examples in an epoch; by default as many as all sets have together."""
    conversations: bool = False
    """Train on all questions about an image, by its pixels and of all data sets, as one conversation, which reads the
    image once; the loss is that of all answers. By default each question is an example of its own, as in validation in
    any case."""
    conversation_tokens: int | None = None
    """With `--conversations`, largest number of tokens of a conversation, its image not counted; a longer one is split
    between two questions. By default 1,024."""
    train_split: str = "train"
    """Name of the training split."""
    validation_split: str = "validation"
    """Name of the validation split, whose loss decides the best epoch and early stopping."""
    limit: int | None = None
    """Number of rows of each split, spread evenly over the answers; by default all. With `--conversations`, training
    takes whole images that have at most so many rows together."""
    trust_data: bool = False
    """Do not compare each decoded image with the data set's manifest; all else is compared in any case."""
    seed: int = 0
    """Seed of LoRA's initialization and of the order of the examples."""
    lora_scope: Scope = "vision+language"
    """The trained part of the model. With LoRA: query, key and value in vision and language (as in the paper), or in
    the language model only. With `--method full`: all weights, or those of the language model only."""
    method: Literal["lora", "full"] = "lora"
    """LoRA (as in the paper), or full fine-tuning of the weights, which needs far more memory."""
    rank: int = 32
    """Rank of LoRA's matrices (32 in the paper); higher ranks train more parameters."""
    alpha: int = 64
    """Scale of LoRA's update, before division by the rank (64 in the paper)."""
    dropout: float = 0.0
    """Dropout probability: on the input of LoRA's matrices (none in the authors' code) or, with `--method full`, of the
    model's own dropout, which its checkpoint switches off: that of attention weights in most families."""
    init: Literal["gaussian", "default"] = "gaussian"
    """Initialization of LoRA's first matrix: Gaussian (the authors' code), or PEFT's default, uniform."""
    targets: str | None = None
    """Modules that LoRA adapts, instead of those of `--lora-scope`: names separated by commas, or a regular expression
    of their full names."""
    learning_rate: float | None = None
    """Peak learning rate of AdamW; by default the family's: the paper's 1e-4, or 1e-3 for nano models. For
    `--method full`, SpaRE uses 3e-5."""
    optimizer: Optimizer = "adamw"
    """AdamW, or AdamW with moments of 8 bits (bitsandbytes), which take a quarter of the memory."""
    batch: int | None = None
    """Examples per optimizer step; by default the family's: 16. The paper does not state it."""
    micro_batch: int | None = None
    """Examples per forward pass; by default as many as fit, measured by a trial step. It changes memory and speed only,
    never `--batch`."""
    recompute: bool | None = None
    """Gradient checkpointing: recompute activations in the backward pass, which saves memory and takes time; by default
    only if they do not fit in memory."""
    epochs: int = 10
    """Maximum number of epochs (10 in the paper)."""
    patience: int = 2
    """Epochs without a better validation loss after which training stops (2 in the paper)."""
    schedule: Schedule | None = None
    """Schedule of the learning rate; by default the family's: constant, or cosine for nano models. The paper does not
    state it."""
    warmup: float = 0.0
    """Fraction of all steps in which the learning rate rises from zero; by default no warm-up."""
    warmup_steps: int | None = None
    """Number of steps in which the learning rate rises from zero, instead of `--warmup`."""
    weight_decay: float = 0.01
    """Weight decay of AdamW; the default is torch's, as in the authors' related code."""
    clip: float = 1.0
    """Maximum norm of the gradient; a larger one is scaled down. 0 for no clipping."""
    features: Literal["auto", "on", "off"] = "auto"
    """Use of vision features, computed once per image and reused in every epoch, which is faster. "auto"
    uses them if vision tower and projector are not trained, as with `--lora-scope language`."""
    features_folder: Path | None = None
    """Folder that stores vision features, also for other runs; by default memory or, if they do not fit, the user's
    cache folder."""
    checkpoint_steps: int = 500
    """Optimizer steps between checkpoints, from which an interrupted run resumes; each epoch also ends with one."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range. A model may be its name, and the data one folder."""
        check_choices(self)
        check_finite(self)
        object.__setattr__(self, "model", ModelSpec.of(self.model))
        object.__setattr__(self, "data", folders_of(self.data))
        object.__setattr__(self, "weights", tuple(self.weights))
        positive = (
            "rank",
            "alpha",
            "learning_rate",
            "batch",
            "micro_batch",
            "epochs",
            "patience",
            "limit",
            "epoch_examples",
            "checkpoint_steps",
            "conversation_tokens",
            "warmup_steps",
        )
        for name in positive:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise RunError(f"{option(name)} {value}: must be greater than 0")
        self._check_weights()
        self._check_conversations()
        for name in ("seed", "weight_decay", "clip"):
            if getattr(self, name) < 0:
                raise RunError(f"{option(name)} {getattr(self, name)}: must not be negative")
        if self.seed > LARGEST_SEED:
            raise RunError(f"--seed {self.seed}: must be at most {LARGEST_SEED}")
        for name in ("warmup", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise RunError(f"--{name} {getattr(self, name)}: must be at least 0 and less than 1")
        if self.warmup and self.warmup_steps is not None:
            raise RunError(f"--warmup-steps {self.warmup_steps}: leave out --warmup, which is a fraction of all steps")
        if self.method == "full" and self.targets is not None:
            raise RunError("--targets: names the modules that LoRA adapts; leave it out with --method full")
        if self.model.adapter is not None:
            raise ModelError(
                f"{self.model.adapter}: the model has an adapter already; train another from its base alone"
            )
        check_trainable(self.model.name)
        if self.model.device != "auto":
            raise RunError(f"--device {self.model.device}: training chooses devices; set CUDA_VISIBLE_DEVICES instead")
        if not self.data:
            raise RunError("--data: name at least one data set folder")

    @property
    def turns_within(self) -> int | None:
        """Return the largest number of tokens of a conversation; None for one question an example."""
        return (self.conversation_tokens or CONVERSATION_TOKENS) if self.conversations else None

    def _check_conversations(self) -> None:
        """Refuse options that conversations need, or that need their absence."""
        if self.conversation_tokens is not None and not self.conversations:
            raise RunError(f"--conversation-tokens {self.conversation_tokens}: needs --conversations")
        if self.conversations and self.weights:
            raise RunError("--weights: count questions, and --conversations joins them; leave out one of the two")

    def _check_weights(self) -> None:
        """Refuse weights that are not one positive number for each data set."""
        if not self.weights:
            if self.epoch_examples is not None:
                raise RunError(f"--epoch-examples {self.epoch_examples}: needs --weights, which divide it")
            return
        given = " ".join(map(str, self.weights))
        if len(self.weights) != len(self.data):
            raise RunError(f"--weights {given}: one for each of {len(self.data)} data sets is needed")
        if not all(isfinite(weight) and weight > 0 for weight in self.weights):
            raise RunError(f"--weights {given}: must be greater than 0 and finite; leave out a data set without share")
