"""Training at true size: ninefold against TRL's SFTTrainer at its defaults, and against the authors' way.

All three are whole trainers on the same rows, with the same LoRA; a clock that looks at their steps stops them.
"""

import importlib.util
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers.trainer
from gpu_flops import forward, seen, synchronize
from gpu_measured import Job, Measured, peak_bytes, reset_peak
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from ninefold import store
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.models.clip.model import DualEncoder
from ninefold.models.family import Scope
from ninefold.models.protocol import Trainable
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.continuation import IGNORED
from ninefold.training.parameters import made_trainable
from ninefold.training.settings import resolve
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train
from ninefold.types import Example

FOREVER = 10**6
"""Epochs and patience, as the clock decides when it is over."""


class Clock(TrainerCallback):
    """Times the steps of any trainer from the end of one to the end of the next, and stops it after some seconds.

    The first step of an epoch is left out, before which workers start, and models are evaluated and saved.
    """

    def __init__(self, seconds: float) -> None:
        """Take the seconds that the steps counted are to take."""
        self.seconds = seconds
        self.spent = 0.0
        self.samples = 0
        self.peak: int | None = None
        self._last: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to watch memory."""
        reset_peak()

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Forget when the last step ended."""
        self._last = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Count a step."""
        synchronize()
        now = time.perf_counter()
        if self._last is not None:
            self.spent += now - self._last
            self.samples += args.train_batch_size * args.gradient_accumulation_steps
        self._last = now
        self.peak = peak_bytes()
        control.should_training_stop = self.spent > self.seconds


@contextmanager
def watching(clock: Clock) -> Iterator[None]:
    """Let a clock look at every trainer that is made meanwhile, ninefold's too, which takes no callbacks."""
    transformers.trainer.DEFAULT_CALLBACKS.append(clock)
    try:
        yield
    finally:
        transformers.trainer.DEFAULT_CALLBACKS.remove(clock)


def jobs(model: Trainable, rows: Sequence[Example], seconds: float) -> list[Job]:
    """Return all that is measured of a model; of what is compared, TRL comes first where it is at hand."""
    ways = {"the authors' way: batch 1": partial(_plainly, model), "ninefold": partial(_ours, model)}
    if importlib.util.find_spec("trl") and not isinstance(model, DualEncoder):
        ways = {"TRL's SFTTrainer": partial(_trl, model), **ways}
    scopes: tuple[Scope, ...] = ("language", "vision+language")
    return [
        Job(f"training, {scope}", way, partial(measure, rows, scope, seconds))
        for scope in scopes
        for way, measure in ways.items()
    ]


def _ours(model: Trainable, rows: Sequence[Example], scope: Scope, seconds: float) -> Measured:
    clock = Clock(seconds)
    with tempfile.TemporaryDirectory() as folder, watching(clock):
        train(_spec(model, rows, scope, Path(folder)), Path(folder) / "run", model=model)
        plan = store.read_json(Path(folder) / "run" / "provenance.json")["plan"]
    kept = {"features": plan["features"], "recompute": plan["recompute"]}
    note = f"at most {plan['tokens']:,} tokens a pass" + "".join(f", {word}" for word, on in kept.items() if on)
    return _counted(clock, model, rows, scope, **kept, own=True, note=note)


def _plainly(model: Trainable, rows: Sequence[Example], scope: Scope, seconds: float) -> Measured:
    """Train as the authors' code does: one example a step, activations recomputed, logits of all positions."""
    clock, encoder = Clock(seconds), model.encoder

    class PlainTrainer(Trainer):
        def compute_loss(self, network: Any, inputs: Any, *options: Any, **more: Any) -> Any:
            if isinstance(model, DualEncoder):  # its class has no loss of this kind
                return model.losses(network, inputs)[0].mean()
            return super().compute_loss(network, inputs, *options, **more)

    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(model, rows, scope, Path(folder))
        with _unhooked(model.model), made_trainable(model, settings, restore=True) as trainable, watching(clock):
            trainer = PlainTrainer(
                model=trainable.network,
                args=TrainingArguments(
                    **_arguments(model, folder),
                    per_device_train_batch_size=1,
                    gradient_checkpointing=True,
                    bf16=trainable.dtype == torch.bfloat16,
                    remove_unused_columns=False,
                ),
                train_dataset=list(rows),
                data_collator=lambda found: model.training_batch(found, [encoder.image(row) for row in found]),
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    return _counted(clock, model, rows, scope, recompute=True)


def _trl(model: Trainable, rows: Sequence[Example], scope: Scope, seconds: float) -> Measured:
    """Train with TRL's defaults, but that nothing is cut off: at 1,024 tokens images would be."""
    from datasets import Dataset, Image
    from datasets import List as ListOf
    from trl import SFTConfig, SFTTrainer

    clock = Clock(seconds)
    asked = [
        {
            "images": [{"bytes": row.image, "path": None}],
            "prompt": [{"role": "user", "content": row.prompt}],
            "completion": [{"role": "assistant", "content": row.answer}],
        }
        for row in rows
    ]
    with tempfile.TemporaryDirectory() as folder:
        settings = _settings(model, rows, scope, Path(folder))
        with _unhooked(model.model), made_trainable(model, settings, restore=True) as trainable, watching(clock):
            trainer = SFTTrainer(
                model=trainable.network,
                args=SFTConfig(**_arguments(model, folder), max_length=None),
                train_dataset=Dataset.from_list(asked).cast_column("images", ListOf(Image())),
                processing_class=model.encoder.processor,
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    return _counted(clock, model, rows, scope, recompute=True)


@contextmanager
def _unhooked(network: Any) -> Iterator[None]:
    """Take off what trainers hang onto embeddings and forget: it would make a frozen vision tower look trained."""
    before = [(module, dict(module._forward_hooks)) for module in network.modules()]
    try:
        yield
    finally:
        for module, hooks in before:
            module._forward_hooks.clear()
            module._forward_hooks.update(hooks)


def _spec(model: Trainable, rows: Sequence[Example], scope: Scope, folder: Path) -> TrainSpec:
    about = About("rows", "Rows of the synthetic set.", {})
    checked = [replace(row, id=f"{row.id}-checked") for row in rows[:2]]
    dataset.write(folder / "data", {"train": rows, "validation": checked}, about=about)
    return TrainSpec(
        ModelSpec(model.name),
        (folder / "data",),
        lora_scope=scope,
        learning_rate=1e-5,
        epochs=FOREVER,
        patience=FOREVER,
    )


def _settings(model: Trainable, rows: Sequence[Example], scope: Scope, folder: Path) -> dict[str, Any]:
    settings = resolve(_spec(model, rows, scope, folder), model)
    assert settings is not None  # the model is open
    return settings.to_json()


def _arguments(model: Trainable, folder: str) -> dict[str, Any]:
    return {
        "output_dir": f"{folder}/checkpoints",
        "max_steps": FOREVER,
        "save_strategy": "no",
        "report_to": [],
        "disable_tqdm": True,
        "use_cpu": model.model.device.type == "cpu",
    }


def _counted(
    clock: Clock,
    model: Trainable,
    rows: Sequence[Example],
    scope: Scope,
    *,
    recompute: bool,
    features: bool = False,
    own: bool = False,
    note: str = "",
) -> Measured:
    """Return what a clock has seen; ``own`` computes logits for answers alone, the others for all positions."""
    count = 16 if own else 1
    together = list(rows[:count])
    batch = model.training_batch(together, [model.encoder.image(row) for row in together])
    texts, width = batch["input_ids"].shape
    logits = int((batch["labels"] != IGNORED).sum()) if own else texts * width
    # Of a dual encoder each distinct text is one row, and the images are others.
    operations = forward(
        model.model, [width] * texts, logits=logits, image=None if features else seen(model.model, batch)
    )
    step = operations.training(through_vision=scope == "vision+language", recompute=recompute)
    return Measured(clock.samples, clock.spent, step.total / count, clock.peak, note)
