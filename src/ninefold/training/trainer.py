"""transformers.Trainer with the loss on answer tokens, an exact validation loss, and the best adapter kept aside.

Axes: N examples of the validation set, K cross-entropies of a forward pass.
"""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate.utils.memory import clear_device_cache, should_reduce_batch_size
from peft import PeftModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import PrinterCallback, Trainer, TrainerCallback

from ninefold.errors import RunError
from ninefold.models.vlm.encoder import IGNORED
from ninefold.models.vlm.prompt import Tensors
from ninefold.training.dataset import LengthBuckets
from ninefold.training.memory import Plan

History = list[dict[str, Any]]
"""One entry an epoch: epoch, step, train_loss, validation_loss, learning_rate."""


class AnswerTrainer(Trainer):  # type: ignore[misc]
    """Trainer for `ninefold.training.dataset.Passes`, whose every item is a whole optimizer step."""

    def __init__(
        self,
        *args: Any,
        sampler: LengthBuckets,
        patience: int,
        every: int,
        best: Path,
        replanned: Callable[[Plan], None],
        **options: Any,
    ) -> None:
        """Take Trainer's own arguments, the order of the data, and what decides when to stop and to save.

        Args:
            args: For `Trainer`.
            sampler: The order of the training examples.
            patience: Epochs without a better validation loss after which training stops.
            every: Steps between checkpoints, besides those after each epoch.
            best: The folder that keeps what the best epoch made.
            replanned: Told of the plan that training goes on with where memory was not enough for the one before.
            options: For `Trainer`.
        """
        super().__init__(*args, data_collator=_as_it_is, callbacks=[_Rhythm(patience, every), _Bar()], **options)
        self.remove_callback(PrinterCallback)
        self.sampler = sampler
        self.best = best
        self.replanned = replanned
        self.losses = self.train_dataset.answers.model.losses

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBuckets:
        return self.sampler

    def _get_eval_sampler(self, eval_dataset: Any) -> list[int]:
        return sorted(range(len(eval_dataset)), key=eval_dataset.answers.lengths.__getitem__)

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> torch.Tensor:
        """Add the gradient of an optimizer step; return its loss, the mean cross-entropy over all its answer tokens.

        Where memory is not enough, the step is done again in smaller passes, as is all that follows.

        Raises:
            RunError: If memory is not enough for one example, or where several processes train together.
        """
        model.train()
        passes = inputs["passes"]
        tokens = sum((batch["labels"] != IGNORED).sum() for batch in passes)
        # Processes average their gradients, while the mean is over the tokens of all of them together.
        share = self.accelerator.num_processes / self.accelerator.reduce(tokens)
        places = [place for batch in passes for place in batch["places"].tolist()]
        random = torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        while True:
            # Made before memory ran out, perhaps by a worker that has not heard of it.
            if inputs["plan"] != self.train_dataset.plan:
                passes = self.train_dataset.__getitems__(places)["passes"]
            try:
                return self._accumulate(model, passes, share)
            except _TooLarge as error:
                failed = error
            model.zero_grad()
            torch.set_rng_state(random[0])
            torch.cuda.set_rng_state_all(random[1])
            self._make_room(failed.places)

    def _accumulate(self, model: Any, passes: Sequence[Tensors], share: torch.Tensor) -> torch.Tensor:
        total = torch.zeros((), device=self.args.device)
        for number, batch in enumerate(passes, 1):
            together = nullcontext() if number == len(passes) else self.accelerator.no_sync(model)
            try:
                with together:
                    loss_K, _ = self.losses(model, self._inputs(batch))
                    loss = loss_K.sum() * share
                    self.accelerator.backward(loss)
            except RuntimeError as error:
                if not should_reduce_batch_size(error):
                    raise
                raise _TooLarge(batch["places"].tolist()) from error
            total += loss.detach()
        return total

    def _make_room(self, places: Sequence[int]) -> None:
        if self.accelerator.num_processes > 1:
            raise RunError(
                f"out of memory with {len(places)} examples in a forward pass; run the same command with "
                f"{'--recompute' if len(places) == 1 else f'--micro-batch {len(places) // 2}'}: it goes on from here"
            )
        longest = max(self.train_dataset.answers.lengths[place] for place in places)
        plan = self.train_dataset.plan.halved(len(places), longest)
        if plan.recompute:
            recompute(self.model)
        self.train_dataset.plan = self.eval_dataset.plan = plan
        clear_device_cache()
        self.replanned(plan)

    def _inputs(self, batch: Tensors) -> Tensors:
        inputs: Tensors = self._prepare_inputs({name: value for name, value in batch.items() if name != "places"})
        return inputs

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the mean cross-entropy over all answer tokens, which no choice of batches can change.

        Raises:
            RunError: If it is no number.
        """
        self.model_wrapped.eval()
        sums_N2 = torch.zeros(len(self.eval_dataset), 2, dtype=torch.float64, device=self.args.device)
        for step in self.get_eval_dataloader():
            for batch in step["passes"]:
                with torch.no_grad():
                    loss_K, rows_K = self.losses(self.model_wrapped, self._inputs(batch))
                places_K = batch["places"].to(rows_K.device)[rows_K]
                sums_N2[places_K] = 0.0
                sums_N2.index_add_(0, places_K, torch.stack([loss_K, torch.ones_like(loss_K)], 1).double())
        # Processes fill their last batches with rows that others have had: each counts once.
        loss, tokens = self.accelerator.gather(sums_N2[None]).amax(0).sum(0).tolist()
        if not math.isfinite(loss):
            raise RunError(f"the validation loss is {loss} after epoch {self.state.epoch:.0f}; lower --learning-rate")
        metrics = {"eval_loss": loss / tokens}
        self.log(metrics)
        epochs = history(self.state.log_history)
        if best_epoch(epochs) == len(epochs):
            self._keep_best()
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if isinstance(self.model, PeftModel) or self.is_fsdp_enabled:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            # Checkpoints of whole models bear the names of the released ones, which Trainer takes for the class's own.
            saved = type(self.model).from_pretrained(resume_from_checkpoint, dtype=torch.float32)
            self.model.load_state_dict(saved.state_dict())

    def _keep_best(self) -> None:
        fresh = self.best.with_name(f"{self.best.name}.new")
        self.save_model(str(fresh), _internal_call=True)
        if self.is_world_process_zero():
            shutil.rmtree(self.best, ignore_errors=True)
            fresh.replace(self.best)


def history(log: Sequence[Mapping[str, Any]]) -> History:
    """Return one entry an epoch from Trainer's log, which has one entry a step and one an evaluation."""
    epochs: History = []
    steps: list[Mapping[str, Any]] = []
    for entry in log:
        if "loss" in entry:
            steps.append(entry)
        elif "eval_loss" in entry:
            epochs.append(
                {
                    "epoch": len(epochs) + 1,
                    "step": entry["step"],
                    "train_loss": sum(step["loss"] for step in steps) / len(steps),
                    "validation_loss": entry["eval_loss"],
                    "learning_rate": steps[-1]["learning_rate"],
                }
            )
            steps = []
    return epochs


def best_epoch(epochs: History) -> int:
    """Return the number, from 1, of the epoch with the least validation loss; 0 where there is none yet."""
    best = min(epochs, key=lambda entry: entry["validation_loss"], default={"epoch": 0})
    return int(best["epoch"])


def is_over(epochs: History, *, patience: int, most: int) -> bool:
    """Whether training has had its epochs, or ``patience`` of them without a better one."""
    return bool(epochs) and (len(epochs) >= most or len(epochs) - best_epoch(epochs) >= patience)


def recompute(network: Any, *, off: bool = False) -> None:
    """Make a network keep no activations but those between its layers, or all of them again.

    Raises:
        RunError: If its class cannot.
    """
    base = network.get_base_model() if isinstance(network, PeftModel) else network
    try:
        if off:
            base.gradient_checkpointing_disable()
        else:
            base.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    except ValueError as error:
        raise RunError(f"activations cannot be recomputed: {error}; choose --no-recompute --micro-batch 1") from error
    # Transformers makes embeddings require gradients, which reentrant checkpoints need and these do not: a frozen
    # vision tower would be gone through backward for nothing.
    base.disable_input_require_grads()


def _as_it_is(made: dict[str, Any]) -> dict[str, Any]:
    return made


class _TooLarge(Exception):
    """A forward pass that memory was not enough for."""

    def __init__(self, places: Sequence[int]) -> None:
        self.places = places


class _Rhythm(TrainerCallback):  # type: ignore[misc]
    """Evaluates and saves after every epoch, saves between, and stops when patience is over."""

    def __init__(self, patience: int, every: int) -> None:
        self.patience = patience
        self.every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_log = True
        control.should_save = state.global_step % self.every == 0

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_evaluate = control.should_save = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # Counted from the log, which a checkpoint keeps, and not from a counter, which it would lose.
        if is_over(history(state.log_history), patience=self.patience, most=int(args.num_train_epochs)):
            control.should_training_stop = True


_SHOWN = {"loss": "loss", "validation": "eval_loss"}


class _Bar(TrainerCallback):  # type: ignore[misc]
    """One bar over all steps, with the losses and the time left."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not state.is_world_process_zero:
            return
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.seen: dict[str, Any] = {}
        self.task = self.bar.add_task("training", total=state.max_steps, completed=state.global_step)
        self.bar.start()

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not state.is_world_process_zero:
            return
        self.seen.update(state.log_history[-1])
        losses = [f"{word} {self.seen[key]:.3f}" for word, key in _SHOWN.items() if key in self.seen]
        text = ", ".join([f"epoch {math.ceil(self.seen['epoch'])} of {args.num_train_epochs:.0f}", *losses])
        self.bar.update(self.task, completed=state.global_step, description=text)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.is_world_process_zero:
            self.bar.stop()
