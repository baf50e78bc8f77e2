"""transformers.Trainer with the loss on answer tokens, an exact validation loss, and the best adapter kept aside."""

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from transformers import PrinterCallback, Trainer, TrainerCallback

from ninefold.errors import RunError
from ninefold.models.encoding import Tensors
from ninefold.models.generative import answer_logits
from ninefold.training.batches import LengthBuckets

History = list[dict[str, Any]]
"""One entry an epoch: epoch, step, train_loss, validation_loss, learning_rate."""


class AnswerTrainer(Trainer):  # type: ignore[misc]
    """Trainer for batches of `ninefold.training.batches.collator`."""

    def __init__(
        self, *args: Any, sampler: LengthBuckets, patience: int, every: int, best: Path, **options: Any
    ) -> None:
        """Take Trainer's own arguments, the order of the data, and what decides when to stop and to save.

        Args:
            args: For `Trainer`.
            sampler: The order of the training examples.
            patience: Epochs without a better validation loss after which training stops.
            every: Steps between checkpoints, besides those after each epoch.
            best: The folder that keeps the adapter of the best epoch.
            options: For `Trainer`.
        """
        super().__init__(*args, callbacks=[_Rhythm(patience, every), _Bar()], **options)
        self.remove_callback(PrinterCallback)
        self.sampler = sampler
        self.best = best
        # `compute_loss` divides by the answer tokens of the whole effective batch: nothing is left to divide.
        self.model_accepts_loss_kwargs = True
        self.loss_is_scaled_for_ga = True

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthBuckets:
        return self.sampler

    def compute_loss(
        self, model: Any, inputs: Tensors, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Return the mean cross-entropy over the answer tokens of the effective batch: this batch's share of it."""
        logits_KV, targets_K, _ = answer_logits(model, *_split(inputs))
        total = torch.nn.functional.cross_entropy(logits_KV.float(), targets_K, reduction="sum")
        # Processes average their gradients, while the count is of all of them together.
        share: torch.Tensor = total * self.accelerator.num_processes / num_items_in_batch
        return share

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the mean cross-entropy over all answer tokens, which no choice of batches can change.

        Raises:
            RunError: If it is no number.
        """
        self.model_wrapped.eval()
        sums = []
        for batch in self.get_eval_dataloader():
            inputs, labels_BS = _split(self._prepare_inputs(batch))
            with torch.no_grad():
                logits_KV, targets_K, rows_K = answer_logits(self.model_wrapped, inputs, labels_BS)
            loss_K = torch.nn.functional.cross_entropy(logits_KV.float(), targets_K, reduction="none").double()
            sums_B2 = loss_K.new_zeros(len(labels_BS), 2)
            sums_B2.index_add_(0, rows_K, torch.stack([loss_K, torch.ones_like(loss_K)], 1))
            sums.append(self.accelerator.gather_for_metrics(sums_B2))
        loss, tokens = torch.cat(sums).sum(0).tolist()
        if not math.isfinite(loss):
            raise RunError(f"the validation loss is {loss} after epoch {self.state.epoch:.0f}; lower --learning-rate")
        metrics = {"eval_loss": loss / tokens}
        self.log(metrics)
        epochs = history(self.state.log_history)
        if best_epoch(epochs) == len(epochs):
            self._keep_best()
        self.control: Any = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

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


def _split(batch: Tensors) -> tuple[Tensors, torch.Tensor]:
    return {name: tensor for name, tensor in batch.items() if name != "labels"}, batch["labels"]


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
