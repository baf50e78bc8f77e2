"""Private surfaces of transformers.Trainer that training relies on, in one place; each has a test of its own."""

from collections.abc import Iterable
from typing import Any

import torch
from peft import PeftModel
from transformers import Trainer, TrainingArguments


class OrderedTrainer(Trainer):  # type: ignore[misc]
    """Trainer that takes the order of its examples from outside, and resumes whole models from their checkpoints."""

    def __init__(self, *args: Any, train_order: Iterable[int], validation_order: Iterable[int], **options: Any) -> None:
        """Take Trainer's own arguments, and the order of the training and of the validation examples."""
        super().__init__(*args, **options)
        self.train_order = train_order
        self.validation_order = validation_order

    def _get_train_sampler(self, train_dataset: Any = None) -> Iterable[int]:
        return self.train_order

    def _get_eval_sampler(self, eval_dataset: Any) -> Iterable[int]:
        return self.validation_order

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if isinstance(self.model, PeftModel) or self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            # Checkpoints of whole models use the parameter names of the released ones; Trainer expects the class's own.
            saved = type(self.model).from_pretrained(resume_from_checkpoint, dtype=torch.float32)
            self.model.load_state_dict(saved.state_dict())


def without_data_parallel(arguments: TrainingArguments) -> TrainingArguments:
    """Return the arguments with at most one GPU a process; Trainer would share several among threads of one process."""
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
