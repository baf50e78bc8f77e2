"""Trainer callbacks: the schedule of evaluations, checkpoints and early stopping, and the progress bar."""

import math
import time
from typing import Any

from rich.progress import Progress
from transformers import TrainerCallback

from ninefold import console
from ninefold.training.history import epochs_of, is_over


class CheckpointSchedule(TrainerCallback):  # type: ignore[misc]
    """An evaluation and a checkpoint after every epoch, checkpoints in between, and early stopping."""

    def __init__(self, patience: int, every: int) -> None:
        """Stop after ``patience`` epochs without a better validation loss; save every so many steps in between."""
        self.patience = patience
        self.every = every

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Request a log entry, and a checkpoint if one is due within the epoch."""
        control.should_log = True
        # The last step of an epoch is saved after its evaluation. From an earlier checkpoint, a resumed run would begin
        # the next epoch and never evaluate this one.
        ends_epoch = state.global_step % (state.max_steps // int(args.num_train_epochs)) == 0
        control.should_save = state.global_step % self.every == 0 and not ends_epoch

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Request an evaluation, and then a checkpoint."""
        control.should_evaluate = control.should_save = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Request to stop if the epochs or the patience are exhausted."""
        # Counted from the log, which checkpoints keep; they would lose a counter.
        epochs = epochs_of(state.log_history)
        if is_over(epochs, patience=self.patience, max_epochs=int(args.num_train_epochs)):
            control.should_training_stop = True


_LOSSES = {"loss": "loss", "validation loss": "eval_loss"}
"""Losses that the bar shows, and their names in Trainer's log."""


class ProgressBar(TrainerCallback):  # type: ignore[misc]
    """One bar over all steps, with the losses and the time left, and one line for each epoch."""

    def __init__(self, bar: Progress) -> None:
        """Show the steps in a progress display."""
        self.bar = bar
        self.latest: dict[str, Any] = {}

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the bar at the step where the run begins or resumes."""
        self.task = self.bar.add_task("training", total=state.max_steps, completed=state.global_step)
        self.begun, self.begun_at = time.perf_counter(), state.global_step

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the latest losses."""
        self.latest.update(state.log_history[-1])
        losses = [f"{word} {self.latest[key]:.4f}" for word, key in _LOSSES.items() if key in self.latest]
        text = ", ".join([f"epoch {math.ceil(self.latest['epoch'])} of {args.num_train_epochs:.0f}", *losses])
        self.bar.update(self.task, completed=state.global_step, description=text)

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Print the losses of the epoch as the history keeps them, and the time left."""
        epoch = epochs_of(state.log_history)[-1]
        self.latest["loss"] = epoch["train_loss"]
        elapsed = time.perf_counter() - self.begun
        left = elapsed * (state.max_steps - state.global_step) / max(1, state.global_step - self.begun_at)
        ends = state.global_step < state.max_steps and control.should_training_stop
        if state.is_world_process_zero:
            console.milestone(
                f"epoch {epoch['epoch']} of {args.num_train_epochs:.0f}: loss {epoch['train_loss']:.4f}, "
                f"validation loss {epoch['validation_loss']:.4f}, {console.clock(elapsed)} so far, "
                + (
                    "no longer better: training ends"
                    if ends
                    else f"about {console.clock(left)} left"
                    if left
                    else "done"
                )
            )
