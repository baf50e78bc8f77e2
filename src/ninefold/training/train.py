"""A training run, from its specification to a finished folder; an interrupted run resumes and gives the same result."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ninefold import console, store
from ninefold.data.format.unchanged import DATA_FILES
from ninefold.errors import ModelError, RunError
from ninefold.models import identity
from ninefold.models.checkpoint.messages import quiet
from ninefold.models.compute.device import peak_memory
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.runs import layout
from ninefold.runs.folder import check_place, is_finished
from ninefold.runs.lock import working
from ninefold.runs.metrics import TrainingMetrics
from ninefold.runs.records import Provenance
from ninefold.training import eight_bit, gradient_checkpointing, sharding
from ninefold.training.arguments import trainer_arguments
from ninefold.training.checkpoints import existing_best_weights, last_checkpoint, save_adapter, save_model
from ninefold.training.dataset import StepDataset
from ninefold.training.history import best_epoch, epochs_of, is_over, summary
from ninefold.training.inputs import Inputs, open_inputs
from ninefold.training.memory import MemoryPlan
from ninefold.training.parameters import TrainableNetwork, made_trainable
from ninefold.training.probe import STATES, choose
from ninefold.training.processes import milestone, processes, say, shared_cores, warn
from ninefold.training.sampler import LengthBuckets
from ninefold.training.settings import data_files, metrics_of_finished, resolve, tidy_training
from ninefold.training.spec import TrainSpec
from ninefold.training.trainer import AnswerTrainer


def train(spec: TrainSpec, out: Path, *, model: Trainable | None = None, overwrite: bool = False) -> dict[str, Any]:
    """Fine-tune a model, or resume an interrupted run; a finished run is left unchanged.

    Writes ``adapter/`` in PEFT's format (or ``model/``, a checkpoint, for full fine-tuning), ``history.json``,
    ``metrics.json``, ``sees.json``, ``provenance.json`` and ``status.json`` to ``out``, whose ``spec.json`` holds
    everything that changes the outcome. Runs in one process, or in several started by ``accelerate launch``.

    Args:
        spec: The model, the data sets and the settings.
        out: The run's folder.
        model: The model that ``spec.model`` names, if it is already open; it is restored exactly afterwards.
        overwrite: Whether a training run with other settings is replaced in ``out``.

    Returns:
        The content of ``metrics.json``.

    Raises:
        ModelError: If the model cannot be used, or no module of it matches LoRA's pattern.
        DataError: If a data set cannot be used.
        RunError: If ``out`` holds another run, the batch cannot be divided among the processes, a single example does
            not fit in memory, or the loss is not finite.
    """
    begun = time.perf_counter()
    opened = model
    name = Path(spec.model.name)
    check_place(out, [*spec.data, *([name] if name.exists() else [])])
    settings = resolve(spec, opened)
    if settings is None:
        # The identity is known only after opening, e.g. for a hub id that was not downloaded yet.
        opened = _opened(spec)
        if sharding.sharded():
            # On the CPU it may compute in another precision than on the GPUs.
            opened = None
        settings = resolve(spec, opened)
        assert settings is not None
    if settings.model["adapter"] is not None:
        raise ModelError(f"{settings.model['name']}: has an adapter already; open its base alone to train another")
    with _working(out, settings.to_json(), overwrite=overwrite) as unfinished:
        if not unfinished:
            metrics = metrics_of_finished(spec, out)
        else:
            if settings.optimizer == "adamw-8bit":
                _check_eight_bit()
            if opened is None:
                milestone(f"loading {spec.model.name}")
                opened = _opened(spec, settings.model["dtype"])
                identity.check_opened(opened, settings.model)
            metrics = _train(spec, settings.to_json(), out, opened, begun=begun, restore=model is not None)
    if processes().is_main_process:
        tidy_training(out)
    return metrics


def _check_eight_bit() -> None:
    """Refuse moments of 8 bits where they cannot be used, before the model is loaded."""
    if sharding.sharded():
        raise RunError("--optimizer adamw-8bit: its moments cannot be divided among GPUs; leave it out, or FSDP")
    eight_bit.check_works(processes().device)


def _opened(spec: TrainSpec, dtype: Any = "auto") -> Trainable:
    """Return the model, on this process's device; one that is sharded in main memory, in the precision of the run."""
    if sharding.sharded():
        return open_trainable(replace(spec.model, device="cpu", dtype=dtype))
    return open_trainable(replace(spec.model, device=str(processes().device)))


@contextmanager
def _working(out: Path, settings: Mapping[str, Any], *, overwrite: bool) -> Iterator[bool]:
    """Open the run's folder; the main process holds its lock and writes its status.

    Yields:
        Whether there is work to do.
    """
    state = processes()
    with ExitStack() as stack:
        with state.main_process_first():
            if state.is_main_process:
                unfinished = stack.enter_context(working(out, settings, overwrite=overwrite))
            else:
                unfinished = not is_finished(out, settings)
        yield unfinished


def _train(
    spec: TrainSpec, settings: Mapping[str, Any], out: Path, opened: Trainable, *, begun: float, restore: bool
) -> dict[str, Any]:
    """Train, write the results, and return the content of ``metrics.json``."""
    state, folder = processes(), out / layout.CHECKPOINTS
    with quiet(), made_trainable(opened, settings, restore=restore) as trainable:
        say(trainable.summary)
        kept = MemoryPlan.load(folder)
        inputs = open_inputs(spec, opened, resumed=None if kept is None else kept.features)
        plan = _plan(spec, settings, trainable, inputs, folder)
        log, plan = _fit(trainable, settings, plan, inputs, folder=folder, every=spec.checkpoint_steps)
    epochs = epochs_of(log)
    metrics = TrainingMetrics(
        **summary(epochs, max_epochs=spec.epochs),
        examples={"train": len(inputs.mixture or inputs.train), "validation": len(inputs.validation)},
        questions=inputs.questions,
        adapted=trainable.summary,
        adapted_modules=trainable.modules,
    ).to_json()
    if state.is_main_process:
        facts = {
            DATA_FILES: data_files(spec),
            "plan": plan.as_json(),
            "padding": round(_padding(settings, plan, inputs), 4),
            "seconds": {"train": round(time.perf_counter() - begun, 3)},
        }
        best = existing_best_weights(folder, best_epoch(epochs))
        if settings["lora"]:
            save_adapter(best, out / layout.ADAPTER)
        else:
            save_model(opened, best, out / layout.MODEL, trainable.dtype)
        results = {layout.HISTORY: epochs, layout.METRICS: metrics, layout.SEES: inputs.watch.record()}
        _finish(out, results, _provenance(spec, facts))
    state.wait_for_everyone()
    return metrics


def _plan(
    spec: TrainSpec, settings: Mapping[str, Any], trainable: TrainableNetwork, inputs: Inputs, folder: Path
) -> MemoryPlan:
    """Return the plan of a resumed run, or choose and store one; options of the user have priority over both."""
    state = processes()
    if settings["batch"] % state.num_processes:
        raise RunError(
            f"--batch {settings['batch']}: {state.num_processes} processes cannot share it evenly; choose a multiple"
        )
    asked = spec.micro_batch is not None or spec.recompute is not None
    # The main process chooses for all: others would measure while it uses memory.
    with state.main_process_first():
        kept = MemoryPlan.load(folder)
        if kept is not None and not (asked and state.is_main_process):
            if kept.gradient_checkpointing:
                gradient_checkpointing.enable(trainable.network)
            return kept
        plan, reason = _chosen(spec, trainable, inputs, batch=settings["batch"] // state.num_processes)
        plan = replace(plan, features=inputs.train.featured)
        plan.save(folder)
    say(reason)
    return plan


def _chosen(spec: TrainSpec, trainable: TrainableNetwork, inputs: Inputs, *, batch: int) -> tuple[MemoryPlan, str]:
    """Return a new plan, and its reason in words."""
    if sharding.sharded():
        longest = inputs.train.lengths[inputs.train.longest()]
        plan = sharding.plan(longest, batch=batch, micro_batch=spec.micro_batch, checkpointing=spec.recompute)
        if plan.gradient_checkpointing:
            gradient_checkpointing.enable(trainable.network)
        return plan, f"{plan}; weights are divided among {processes().num_processes} processes"
    return choose(
        inputs.train,
        trainable.network,
        inputs.learner.losses,
        trainable.dtype,
        batch=batch,
        micro_batch=spec.micro_batch,
        checkpointing=spec.recompute,
        processes=processes().num_processes,
        states=STATES[spec.optimizer],
    )


def _fit(
    trainable: TrainableNetwork,
    settings: Mapping[str, Any],
    plan: MemoryPlan,
    inputs: Inputs,
    *,
    folder: Path,
    every: int,
) -> tuple[list[dict[str, Any]], MemoryPlan]:
    """Train from the last checkpoint until the epochs or the patience are exhausted.

    Returns:
        Trainer's log, and the final plan.
    """
    last = last_checkpoint(folder)
    log: list[dict[str, Any]] = []
    if last is not None:
        log = store.read_json(last / "trainer_state.json", finite=False)["log_history"]
        if is_over(epochs_of(log), patience=settings["patience"], max_epochs=settings["epochs"]):
            return log, plan
        milestone(f"going on from {last.name.replace('checkpoint-', 'step ')}")

    def go_on_with(plan: MemoryPlan) -> None:
        plan.save(folder)
        warn(f"out of memory; going on with {plan}")

    steps = StepDataset(inputs.train, plan, trainable.dtype)
    order = _order(settings, inputs)
    # Of several processes, accelerate does not tell the order the epoch amid which the run goes on.
    order.set_epoch(len(epochs_of(log)))
    _tell_long_warmup(settings, steps=settings["epochs"] * -(-len(order) // settings["batch"]))
    if sharding.sharded():
        sharding.configure(trainable.network)
    with (
        console.progress(shown=processes().is_main_process) as bar,
        shared_cores(trainable.network, plan) as workers,
    ):
        trainer = AnswerTrainer(
            trainable.network,
            trainer_arguments(settings, plan, trainable.dtype, folder=folder, workers=inputs.train.workers),
            losses=inputs.learner.losses,
            train=steps,
            validation=StepDataset(inputs.validation, plan, trainable.dtype),
            order=order,
            patience=settings["patience"],
            every=every,
            bar=bar,
            on_new_plan=go_on_with,
            workers=workers,
        )
        trainer.train(resume_from_checkpoint=None if last is None else str(last))
    return list(trainer.state.log_history), steps.plan


def _tell_long_warmup(settings: Mapping[str, Any], *, steps: int) -> None:
    warmup = settings.get("warmup_steps") or 0
    if warmup >= steps:
        warn(f"--warmup-steps {warmup:,}: there are {steps:,} steps in all; the learning rate never reaches its peak")


def _order(settings: Mapping[str, Any], inputs: Inputs) -> LengthBuckets:
    """Return the order of the training examples, at the first epoch."""
    return LengthBuckets(inputs.train.lengths, settings["batch"], settings["seed"], inputs.mixture)


def _padding(settings: Mapping[str, Any], plan: MemoryPlan, inputs: Inputs) -> float:
    """Return the fraction of padding in the first epoch."""
    step = settings["batch"] // processes().num_processes
    return StepDataset(inputs.train, plan, torch.float32).padding(list(_order(settings, inputs)), step)


def _provenance(spec: TrainSpec, facts: dict[str, Any]) -> Provenance:
    state = processes()
    return Provenance.of_this_process(
        data=[str(folder.resolve()) for folder in spec.data],
        model=spec.model.name,
        device=str(state.device),
        processes=state.num_processes,
        peak_memory_mib=peak_memory(),
        **facts,
    )


def _finish(out: Path, results: Mapping[str, Any], provenance: Provenance) -> None:
    for name, result in results.items():
        store.write_json(out / name, result)
    provenance.write(out)
