"""The arguments of transformers.Trainer for a training run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from ninefold.training.compat import without_data_parallel
from ninefold.training.memory import MemoryPlan
from ninefold.training.processes import processes

_WITH_WARMUP = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}
"""Trainer's names of the schedules with a warm-up."""

_OPTIMIZERS = {"adamw": {}, "adamw-8bit": {"optim": "adamw_bnb_8bit"}}
"""Trainer's arguments for each optimizer; AdamW is its default."""


def trainer_arguments(
    settings: Mapping[str, Any], plan: MemoryPlan, dtype: torch.dtype, *, folder: Path, workers: int
) -> TrainingArguments:
    """Return Trainer's arguments.

    Args:
        settings: The run's settings, as in its ``spec.json``.
        plan: The micro-batches and memory options.
        dtype: The precision of the network's computation.
        folder: The folder of the checkpoints.
        workers: Number of processes that load data for a GPU.
    """
    warmup = settings.get("warmup_steps") or settings["warmup"]
    device = processes().device.type
    # On a CPU, workers would take cores from the training itself.
    workers = workers if device == "cuda" else 0
    return without_data_parallel(
        TrainingArguments(
            output_dir=str(folder),
            seed=settings["seed"],
            num_train_epochs=settings["epochs"],
            per_device_train_batch_size=settings["batch"] // processes().num_processes,
            per_device_eval_batch_size=settings["batch"] // processes().num_processes,
            learning_rate=settings["learning_rate"],
            lr_scheduler_type=_WITH_WARMUP[settings["schedule"]] if warmup else settings["schedule"],
            warmup_steps=warmup,
            **_OPTIMIZERS[settings["optimizer"]],
            weight_decay=settings["weight_decay"],
            max_grad_norm=settings["clip"],
            bf16=dtype == torch.bfloat16,
            fp16=dtype == torch.float16,
            use_cpu=device == "cpu",
            # `ninefold.training.callbacks` decides when to evaluate, save and stop.
            eval_strategy="no",
            save_strategy="no",
            logging_strategy="no",
            save_total_limit=2,
            remove_unused_columns=False,
            dataloader_num_workers=workers,
            dataloader_persistent_workers=workers > 0,
            dataloader_pin_memory=device == "cuda",
            disable_tqdm=True,
            ddp_find_unused_parameters=plan.unused_parameters,
            report_to=[],
        )
    )
