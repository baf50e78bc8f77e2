"""The model and its options, which training and evaluation share. No torch here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from ninefold.errors import ModelError
from ninefold.models.family import QUESTION_AND_OPTION, Precision, TextForm
from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts
from ninefold.specs import check_choices


@dataclass(frozen=True)
class ModelSpec:
    """A model by name, with all options for opening it."""

    name: Annotated[str, tyro.conf.arg(name="model")]
    """The model: a name from `ninefold models`, a hub id, a folder, a server (openai:http://host:port/v1#model),
    or the answers of a batch (batch:PATH)."""
    adapter: Path | None = None
    """The adapter to add to the model: a run of `ninefold train`, or the folder of a PEFT adapter; none by default."""
    dtype: Precision = "auto"
    """Floating-point type of the forward pass; "auto": float32 on a CPU, the checkpoint's own on a GPU."""
    device: str = "auto"
    """A torch device, e.g. "cuda:1"; "auto" uses a GPU if there is one."""
    trust_remote_code: bool = False
    """Allow code in the checkpoint to run on this machine; only for checkpoints that you trust."""
    texts: TextForm = QUESTION_AND_OPTION
    """Form of the texts that a dual encoder such as CLIP chooses among: the question and an option (as in the paper),
    the whole prompt with its list of options and an option, an option alone, or a sentence, "the red square is in the
    top left"."""
    shortcuts: Shortcuts = ALL_SHORTCUTS
    """Shortcuts of computation; they change speed, never answers."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice."""
        check_choices(self)

    def check_writes(self) -> None:
        """Refuse a form of candidate texts for a model that has none, because it writes its answer.

        Raises:
            ModelError: If the form is not the default.
        """
        if self.texts != QUESTION_AND_OPTION:
            raise ModelError(
                f"--texts {self.texts!r}: {self.name} writes its answer; only dual encoders such as CLIP choose a text"
            )

    @classmethod
    def of(cls, model: object) -> "ModelSpec":
        """Return the specification of a model, given it or only the model's name or folder.

        Raises:
            ModelError: If it is neither.
        """
        if isinstance(model, str | Path):
            return cls(str(model))
        if isinstance(model, cls):
            return model
        raise ModelError(f"model {model!r}: name it by a string or a ModelSpec")


def base_spec(
    model: str,
    dtype: Precision = "auto",
    trust_remote_code: bool = False,
    texts: TextForm = QUESTION_AND_OPTION,
) -> ModelSpec:
    """Return the specification of a model for training: without adapter, on the devices that training chooses.

    Args:
        model: The model: a name from `ninefold models`, a hub id or a local folder.
        dtype: Floating-point type of the forward pass; "auto": float32 on a CPU, the checkpoint's own on a GPU.
        trust_remote_code: Allow code in the checkpoint to run on this machine; only for checkpoints that you trust.
        texts: Form of the texts that a dual encoder such as CLIP chooses among: the question and an option (as in the
            paper), the whole prompt with its list of options and an option, an option alone, or a sentence, "the red
            square is in the top left".
    """
    return ModelSpec(model, dtype=dtype, trust_remote_code=trust_remote_code, texts=texts)
