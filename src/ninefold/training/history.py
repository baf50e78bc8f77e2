"""The history of a training run, one entry per epoch, with the best epoch and the rule of early stopping."""

from collections.abc import Mapping, Sequence
from typing import Any

History = list[dict[str, Any]]
"""One entry per epoch: epoch, step, train_loss, validation_loss, learning_rate."""


def epochs_of(log: Sequence[Mapping[str, Any]]) -> History:
    """Return one entry per epoch from Trainer's log, which has one entry per step and per evaluation."""
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
    """Return the number, from 1, of the epoch with the lowest validation loss; 0 if there is none yet."""
    best = min(epochs, key=lambda entry: entry["validation_loss"], default={"epoch": 0})
    return int(best["epoch"])


def is_over(epochs: History, *, patience: int, max_epochs: int) -> bool:
    """Whether all epochs are done, or ``patience`` epochs passed without a better validation loss."""
    return bool(epochs) and (len(epochs) >= max_epochs or len(epochs) - best_epoch(epochs) >= patience)


def summary(epochs: History, *, max_epochs: int) -> dict[str, Any]:
    """Return the losses of the best epoch and the length of the training, for ``metrics.json``."""
    best = epochs[best_epoch(epochs) - 1]
    return {
        **{f"best_{key}": best[key] for key in ("epoch", "step")},
        **{key: best[key] for key in ("train_loss", "validation_loss")},
        "epochs": len(epochs),
        "steps": epochs[-1]["step"],
        "stopped_early": len(epochs) < max_epochs,
    }
