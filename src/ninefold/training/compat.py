"""Private surfaces of transformers.Trainer that training relies on, in one place; each has a test of its own."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch
from accelerate.utils import fsdp_utils
from peft import PeftModel
from transformers import Trainer, TrainingArguments


class OrderedTrainer(Trainer):  # type: ignore[misc]
    """A Trainer with a given order of examples, which also resumes full fine-tuning from checkpoints."""

    def __init__(self, *args: Any, train_order: Iterable[int], validation_order: Iterable[int], **options: Any) -> None:
        """Initialize Trainer with its own arguments and the orders of training and validation examples."""
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
            # Full checkpoints use the parameter names of released ones; Trainer expects the class's own names.
            saved = type(self.model).from_pretrained(resume_from_checkpoint, dtype=torch.float32)
            self.model.load_state_dict(saved.state_dict())

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if not self.is_fsdp_enabled:
            super()._load_optimizer_and_scheduler(checkpoint)
            return
        options = fsdp_utils._prepare_sd_options

        def lenient(plugin: Any) -> Any:
            """Accept that a trained weight without gradients, such as one of an unused layer, has no state."""
            found = options(plugin)
            return found if found is None else replace(found, strict=False)

        with patch.object(fsdp_utils, "_prepare_sd_options", lenient):
            super()._load_optimizer_and_scheduler(checkpoint)


def without_data_parallel(arguments: TrainingArguments) -> TrainingArguments:
    """Return the arguments with at most one GPU per process; Trainer would use several from threads of one process."""
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments
