"""A training run, from its specification to a finished folder; interrupted anywhere, it goes on to the same end."""

import json
import os
import resource
import shutil
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from rich.console import Console
from rich.progress import track
from transformers import TrainingArguments

from ninefold import store
from ninefold.data import dataset
from ninefold.models import families
from ninefold.models.generative import GenerativeModel
from ninefold.models.loading import quiet
from ninefold.training import lora
from ninefold.training.batches import Answers, LengthBuckets, collator
from ninefold.training.loop import AnswerTrainer, History, best_epoch, history, is_over
from ninefold.training.plan import Plan, choose
from ninefold.training.spec import TrainSpec

_WARMED = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def train(spec: TrainSpec, out: Path) -> dict[str, Any]:
    """Fine-tune a model, or go on where an interrupted run stopped; a finished run stays as it is.

    Writes ``adapter/`` (plain PEFT), ``history.json``, ``metrics.json``, ``provenance.json`` and ``done.json`` to
    ``out``, whose ``spec.json`` holds all that changes the outcome. Runs in one process, or in several that
    ``accelerate launch`` started.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        ModelError: If the model cannot be used, or no module of it matches LoRA's pattern.
        DataError: If a data set cannot be used.
        RunError: If ``out`` holds another run, the batch cannot be shared as asked, or the loss is no number.
    """
    begun = time.perf_counter()
    state = _processes()
    model = GenerativeModel.load(families.find(spec.model), dtype=spec.dtype, device=str(state.device))
    settings = resolved(spec, model)
    with state.main_process_first():
        done = store.open_run(out, settings)
    if done:
        return dict(store.read_json(out / "metrics.json"))
    adapted, modules = lora.attach(
        model.model,
        model.family.scopes[spec.lora_scope],
        rank=spec.rank,
        alpha=spec.alpha,
        seed=spec.seed,
        base=model.source.path,
    )
    summary = lora.summary(adapted, modules)
    if state.is_main_process:
        Console(stderr=True, soft_wrap=True, highlight=False).print(summary)
    learned, checked = (_prepare(spec, model, split) for split in (spec.train_split, spec.validation_split))
    plan = choose(
        model, learned.examples, batch=settings["batch"], micro=spec.micro_batch, processes=state.num_processes
    )
    with quiet():
        log = _fit(adapted, settings, plan, learned, checked, folder=out / "checkpoints", every=spec.checkpoint_steps)
    epochs = history(log)
    metrics = {
        **_outcome(epochs, most=spec.epochs),
        "examples": {"train": len(learned), "validation": len(checked)},
        "adapted": summary,
        "adapted_modules": modules,
    }
    if state.is_main_process:
        facts = {
            "data": [str(folder.resolve()) for folder in spec.data],
            "model": spec.model,
            "device": str(state.device),
            "processes": state.num_processes,
            "plan": asdict(plan),
            "seconds": {"train": round(time.perf_counter() - begun, 3)},
            "peak_memory_mib": _peak_memory(),
        }
        _finish(out, {"history": epochs, "metrics": metrics, "provenance": store.provenance(**facts)})
    state.wait_for_everyone()
    return metrics


def _outcome(epochs: History, *, most: int) -> dict[str, Any]:
    best = epochs[best_epoch(epochs) - 1]
    return {
        **{f"best_{key}": best[key] for key in ("epoch", "step")},
        **{key: best[key] for key in ("train_loss", "validation_loss")},
        "epochs": len(epochs),
        "steps": epochs[-1]["step"],
        "stopped_early": len(epochs) < most,
    }


def resolved(spec: TrainSpec, model: GenerativeModel) -> dict[str, Any]:
    """Return all of a specification that changes the outcome, with the family's presets filled in, as JSON's types."""
    preset = model.source.preset
    return {
        "kind": "training",
        "model": model.identity,
        "data": [
            {
                "name": folder.resolve().name,
                "train": [spec.train_split, dataset.fingerprint(folder, spec.train_split)],
                "validation": [spec.validation_split, dataset.fingerprint(folder, spec.validation_split)],
            }
            for folder in spec.data
        ],
        "limit": spec.limit,
        "seed": spec.seed,
        "lora": {
            "scope": spec.lora_scope,
            "pattern": model.family.scopes[spec.lora_scope],
            "rank": spec.rank,
            "alpha": spec.alpha,
            "dropout": 0.0,
            "init": "gaussian",
            "bias": "none",
        },
        "optimizer": "adamw",
        "learning_rate": spec.learning_rate or preset.learning_rate,
        "schedule": spec.schedule or preset.schedule,
        "warmup": spec.warmup,
        "weight_decay": spec.weight_decay,
        "clip": spec.clip,
        "batch": spec.batch or preset.batch,
        "epochs": spec.epochs,
        "patience": spec.patience,
    }


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint; Trainer writes ``trainer_state.json`` last, so one cut short has none."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in found if _is_json(path / "trainer_state.json")), None)


def _processes() -> PartialState:
    """Return this process among those that `accelerate launch` started, or alone; on GPUs where there are any."""
    forced = os.environ.get("ACCELERATE_USE_CPU", "false").lower() in ("1", "true")
    return PartialState(cpu=forced or not torch.cuda.is_available())


def _prepare(spec: TrainSpec, model: GenerativeModel, split: str) -> Answers:
    examples = [example for folder in spec.data for example in dataset.read(folder, split, limit=spec.limit)]
    console = Console(stderr=True)

    watched = partial(
        track,
        description=f"pictures of {split}",
        total=len(examples),
        console=console,
        transient=True,
        disable=not (console.is_terminal and _processes().is_main_process),
    )
    return Answers(examples, model.encoder, watched=watched)


def _fit(
    adapted: Any,
    settings: dict[str, Any],
    plan: Plan,
    learned: Answers,
    checked: Answers,
    *,
    folder: Path,
    every: int,
) -> list[dict[str, Any]]:
    """Train until the epochs or the patience are over, from the last checkpoint on; return Trainer's log."""
    last = last_checkpoint(folder)
    if last is not None:
        log: list[dict[str, Any]] = store.read_json(last / "trainer_state.json")["log_history"]
        if is_over(history(log), patience=settings["patience"], most=settings["epochs"]):
            return log
    if plan.recompute:
        adapted.enable_input_require_grads()
        adapted.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    trainer = AnswerTrainer(
        model=adapted,
        args=_arguments(settings, plan, adapted.dtype, folder=folder, cached=learned.cached),
        train_dataset=learned,
        eval_dataset=checked,
        data_collator=collator(learned.encoder, adapted.dtype),
        sampler=LengthBuckets(learned.lengths, settings["batch"], settings["seed"]),
        patience=settings["patience"],
        every=every,
        best=folder / "best",
    )
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return list(trainer.state.log_history)


def _arguments(
    settings: dict[str, Any], plan: Plan, dtype: torch.dtype, *, folder: Path, cached: bool
) -> TrainingArguments:
    device = _processes().device.type
    workers = 0 if cached else min(4, os.cpu_count() or 1)
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=settings["seed"],
        num_train_epochs=settings["epochs"],
        per_device_train_batch_size=plan.micro_batch,
        per_device_eval_batch_size=plan.micro_batch,
        gradient_accumulation_steps=plan.accumulation,
        learning_rate=settings["learning_rate"],
        lr_scheduler_type=_WARMED[settings["schedule"]] if settings["warmup"] else settings["schedule"],
        warmup_steps=settings["warmup"],
        weight_decay=settings["weight_decay"],
        max_grad_norm=settings["clip"],
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=device == "cpu",
        # When to look, to save and to stop is decided in `ninefold.training.loop`.
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        dataloader_pin_memory=device == "cuda",
        disable_tqdm=True,
        # Every LoRA matrix is used in every step.
        ddp_find_unused_parameters=False,
        report_to=[],
    )
    # Several GPUs are used by several processes; Trainer would otherwise share them among threads of this one.
    arguments._n_gpu = min(1, arguments.n_gpu)
    return arguments


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _peak_memory() -> dict[str, int]:
    """Return the most memory that this process has held, in MiB."""
    peak = {"cpu": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}
    return peak | ({"gpu": torch.cuda.max_memory_allocated() >> 20} if torch.cuda.is_available() else {})


def _finish(out: Path, results: dict[str, Any]) -> None:
    """Write the results, last of all that the run is done, and remove what only a resumed run needs."""
    with store.atomic_folder(out / "adapter") as fresh:
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            shutil.copy(out / "checkpoints" / "best" / name, fresh / name)
    for name, result in results.items():
        store.write_json(out / f"{name}.json", result)
    store.write_json(out / "done.json", {"done": True})
    shutil.rmtree(out / "checkpoints")
