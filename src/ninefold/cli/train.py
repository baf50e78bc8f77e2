"""`ninefold train`: fine-tuning."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, arg

from ninefold import api
from ninefold.training.spec import TrainSpec


@dataclass(frozen=True)
class Train:
    """Fine-tuning of a model on data sets, with LoRA or of all weights. After an interruption the same command resumes.

    For example:
      ninefold train --model nano --data data/train --out runs/tuning
      ninefold train --model Qwen/Qwen2-VL-7B-Instruct --data data/train data/subset --epochs 3 --out runs/qwen
    """

    spec: Annotated[TrainSpec, arg(name="")]
    out: Path
    """Run folder; the adapter is written to its `adapter/`, in PEFT's format."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a training run with other settings there; anything else is never replaced."""

    def run(self) -> None:
        metrics = api.train(self.spec, self.out, overwrite=self.overwrite)
        print(f"{self.out}: validation loss {metrics['validation_loss']:.4f} at epoch {metrics['best_epoch']}")
