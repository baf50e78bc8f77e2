"""A training run, from its specification to a finished folder; interrupted anywhere, it goes on to the same end."""

import json
import resource
import shutil
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from ninefold import store
from ninefold.data.format.dataset import Dataset
from ninefold.errors import ModelError, RunError
from ninefold.models import image_inputs
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.training import lora
from ninefold.training.dataset import Answers, LengthBuckets, Passes
from ninefold.training.memory import Plan
from ninefold.training.parameters import Tuned, save, tuned
from ninefold.training.prepare import prepare, processes, say
from ninefold.training.probe import choose
from ninefold.training.spec import TrainSpec
from ninefold.training.trainer import AnswerTrainer, History, best_epoch, history, is_over, recompute

_WARMED = {"constant": "constant_with_warmup", "linear": "linear", "cosine": "cosine"}


def train(spec: TrainSpec, out: Path, *, model: Trainable | None = None) -> dict[str, Any]:
    """Fine-tune a model, or go on where an interrupted run stopped; a finished run stays as it is.

    Writes ``adapter/`` (plain PEFT; ``model/``, a checkpoint, where all weights are trained), ``history.json``,
    ``metrics.json``, ``sees.json``, ``provenance.json`` and ``done.json`` to ``out``, whose ``spec.json`` holds all
    that changes the outcome. Runs in one process, or in several that ``accelerate launch`` started.

    Args:
        spec: What is trained, on what, and how.
        out: The run's folder.
        model: What ``spec.model`` names, where it is open already; it is given back exactly as it was.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        ModelError: If the model cannot be used, or no module of it matches LoRA's pattern.
        DataError: If a data set cannot be used.
        RunError: If ``out`` holds another run, the batch cannot be shared as asked, memory is not enough for a single
            example, or the loss is no number.
    """
    begun = time.perf_counter()
    state = processes()
    opened = model or open_trainable(replace(spec.model, device=str(state.device)))
    if opened.identity["adapter"] is not None:
        raise ModelError(f"{opened.name}: has an adapter already; open its base alone to train another")
    settings = resolved(spec, opened)
    with state.main_process_first():
        done = store.open_run(out, settings)
    if done:
        return dict(store.read_json(out / "metrics.json"))
    with quiet(), tuned(opened, settings, restored=model is not None) as tuning:
        say(tuning.summary)
        begun_with = Plan.begun_with(out / "checkpoints")
        learned, checked = prepare(spec, opened, None if begun_with is None else begun_with.features)
        plan = _plan(spec, settings, tuning, learned, out / "checkpoints")
        log, plan = _fit(
            tuning, settings, plan, learned, checked, folder=out / "checkpoints", every=spec.checkpoint_steps
        )
    epochs = history(log)
    metrics = {
        **_outcome(epochs, most=spec.epochs),
        "examples": {"train": len(learned), "validation": len(checked)},
        "adapted": tuning.summary,
        "adapted_modules": tuning.modules,
    }
    if state.is_main_process:
        facts = {
            "plan": asdict(plan),
            "padding": round(_padding(settings, plan, learned), 4),
            "seconds": {"train": round(time.perf_counter() - begun, 3)},
        }
        save(opened, out / "checkpoints" / "best", out, None if settings["lora"] else tuning.dtype)
        sees = image_inputs.record(opened, [*learned.examples, *checked.examples])
        _finish(out, {"history": epochs, "metrics": metrics, "sees": sees, "provenance": _provenance(spec, facts)})
    state.wait_for_everyone()
    return metrics


def _provenance(spec: TrainSpec, facts: dict[str, Any]) -> dict[str, Any]:
    state = processes()
    return store.provenance(
        data=[str(folder.resolve()) for folder in spec.data],
        model=spec.model.name,
        device=str(state.device),
        processes=state.num_processes,
        peak_memory_mib=_peak_memory(),
        **facts,
    )


def _outcome(epochs: History, *, most: int) -> dict[str, Any]:
    best = epochs[best_epoch(epochs) - 1]
    return {
        **{f"best_{key}": best[key] for key in ("epoch", "step")},
        **{key: best[key] for key in ("train_loss", "validation_loss")},
        "epochs": len(epochs),
        "steps": epochs[-1]["step"],
        "stopped_early": len(epochs) < most,
    }


def resolved(spec: TrainSpec, model: Trainable) -> dict[str, Any]:
    """Return all of a specification that changes the outcome, with the family's presets filled in, as JSON's types."""
    preset = model.source.preset
    return {
        "kind": "training",
        "model": model.identity,
        "data": [
            {
                "name": data.name,
                "train": [spec.train_split, data.fingerprint(spec.train_split)],
                "validation": [spec.validation_split, data.fingerprint(spec.validation_split)],
            }
            for data in map(Dataset.open, spec.data)
        ],
        "limit": spec.limit,
        "seed": spec.seed,
        "scope": spec.lora_scope,
        "lora": _lora(spec, model) if spec.method == "lora" else None,
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


def _lora(spec: TrainSpec, model: Trainable) -> dict[str, Any]:
    return {
        "pattern": model.family.scopes[spec.lora_scope] if spec.targets is None else lora.targeted(spec.targets),
        "rank": spec.rank,
        "alpha": spec.alpha,
        "dropout": spec.dropout,
        "init": spec.init,
        "bias": "none",
    }


def last_checkpoint(folder: Path) -> Path | None:
    """Return the newest whole checkpoint; Trainer writes ``trainer_state.json`` last, so one cut short has none."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]), reverse=True)
    return next((path for path in found if _is_json(path / "trainer_state.json")), None)


def _plan(spec: TrainSpec, settings: dict[str, Any], tuning: Tuned, learned: Answers, folder: Path) -> Plan:
    """Return the plan that the run was begun with, or choose and keep one; what the user says comes before both."""
    state = processes()
    if settings["batch"] % state.num_processes:
        raise RunError(
            f"--batch {settings['batch']}: {state.num_processes} processes cannot share it evenly; choose a multiple"
        )
    told = spec.micro_batch is not None or spec.recompute is not None
    # The main process chooses for all, as others would measure memory that it is just using.
    with state.main_process_first():
        begun_with = Plan.begun_with(folder)
        if begun_with is not None and not (told and state.is_main_process):
            if begun_with.recompute:
                recompute(tuning.network)
            return begun_with
        plan, reason = choose(
            learned,
            tuning.network,
            tuning.dtype,
            share=settings["batch"] // state.num_processes,
            micro_batch=spec.micro_batch,
            recomputing=spec.recompute,
            processes=state.num_processes,
        )
        plan = replace(plan, features=learned.featured)
        plan.keep(folder)
    say(reason)
    return plan


def _fit(
    tuning: Tuned,
    settings: dict[str, Any],
    plan: Plan,
    learned: Answers,
    checked: Answers,
    *,
    folder: Path,
    every: int,
) -> tuple[list[dict[str, Any]], Plan]:
    """Train until the epochs or the patience are over, from the last checkpoint on.

    Returns:
        Trainer's log, and the plan that was left in the end.
    """
    last = last_checkpoint(folder)
    if last is not None:
        log: list[dict[str, Any]] = store.read_json(last / "trainer_state.json")["log_history"]
        if is_over(history(log), patience=settings["patience"], most=settings["epochs"]):
            return log, plan

    def replanned(plan: Plan) -> None:
        plan.keep(folder)
        say(f"out of memory; going on with {plan}")

    steps = Passes(learned, plan, tuning.dtype)
    trainer = AnswerTrainer(
        model=tuning.network,
        args=_arguments(settings, plan, tuning.dtype, folder=folder, workers=learned.workers),
        train_dataset=steps,
        eval_dataset=Passes(checked, plan, tuning.dtype),
        sampler=LengthBuckets(learned.lengths, settings["batch"], settings["seed"]),
        patience=settings["patience"],
        every=every,
        best=folder / "best",
        replanned=replanned,
    )
    trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return list(trainer.state.log_history), steps.plan


def _padding(settings: dict[str, Any], plan: Plan, learned: Answers) -> float:
    """Return the share of padding in the first epoch."""
    order = list(LengthBuckets(learned.lengths, settings["batch"], settings["seed"]))
    return Passes(learned, plan, torch.float32).padding(order, settings["batch"] // processes().num_processes)


def _arguments(
    settings: dict[str, Any], plan: Plan, dtype: torch.dtype, *, folder: Path, workers: int
) -> TrainingArguments:
    device = processes().device.type
    # On a CPU workers would take cores from the training that waits for them.
    workers = workers if device == "cuda" else 0
    arguments = TrainingArguments(
        output_dir=str(folder),
        seed=settings["seed"],
        num_train_epochs=settings["epochs"],
        per_device_train_batch_size=settings["batch"] // processes().num_processes,
        per_device_eval_batch_size=settings["batch"] // processes().num_processes,
        learning_rate=settings["learning_rate"],
        lr_scheduler_type=_WARMED[settings["schedule"]] if settings["warmup"] else settings["schedule"],
        warmup_steps=settings["warmup"],
        weight_decay=settings["weight_decay"],
        max_grad_norm=settings["clip"],
        bf16=dtype == torch.bfloat16,
        fp16=dtype == torch.float16,
        use_cpu=device == "cpu",
        # When to look, to save and to stop is decided in `ninefold.training.trainer`.
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        save_total_limit=2,
        remove_unused_columns=False,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        dataloader_pin_memory=device == "cuda",
        disable_tqdm=True,
        ddp_find_unused_parameters=plan.unused,
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
    for name, result in results.items():
        store.write_json(out / f"{name}.json", result)
    store.write_json(out / "done.json", {"done": True})
    shutil.rmtree(out / "checkpoints")
