"""The settings of a training run: everything that changes the outcome, with all defaults filled in.

No heavy imports here: a finished run is found in a fraction of a second.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.data.format.dataset import TEST, Dataset
from ninefold.data.format.unchanged import check_unchanged
from ninefold.errors import DataError, ModelError, RunError
from ninefold.models import identity
from ninefold.models.families import FAMILIES, GENERIC, Checkpoint, find
from ninefold.models.protocol import Trainable
from ninefold.models.registry import FITTED, open_registered
from ninefold.runs import layout
from ninefold.runs.folder import check_run, is_finished
from ninefold.runs.lock import tidy
from ninefold.runs.metrics import TrainingMetrics
from ninefold.runs.records import SPREAD, WHOLE_IMAGES, LoraSettings, TrainedData, TrainingSpec
from ninefold.training.mixture import counts_of, mixture_of, validation_limits
from ninefold.training.spec import TrainSpec
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.data.format.reading import StoredExamples


def resolve(spec: TrainSpec, model: Trainable | None = None) -> TrainingSpec | None:
    """Return the settings of a run, with the family's defaults for unset options.

    Args:
        spec: The specification.
        model: The model that it names, if it is already open.

    Returns:
        The content of the run's ``spec.json``; None if the model's identity is known only after opening it (see
        `ninefold.models.identity.resolve`).

    Raises:
        DataError: If a data set or a split does not exist.
        ModelError: If there is no such model, or it cannot be trained on conversations.
        RunError: If ``targets`` is not a valid pattern, or an epoch would hold no example of a data set.
    """
    if spec.model.name in FITTED:
        own = open_registered(spec.model)
        found: Mapping[str, object] = {"name": own.name, **own.identity}
        checkpoint = Checkpoint(GENERIC, spec.model.name, spec.model.name)
    elif model is not None:
        found, checkpoint = model.identity, replace(model.checkpoint, family=model.family)
    else:
        resolved = identity.resolve(replace(spec.model, device="cpu" if cpu_forced() else "auto"))
        if resolved is None:
            return None
        # The family of a hub id without a row is known from its configuration.
        family = FAMILIES.get(str(resolved["family"]), GENERIC)
        found, checkpoint = resolved, replace(find(spec.model.name), family=family)
    if spec.conversations and checkpoint.family.kind == "dual":
        raise ModelError(f"--conversations: {checkpoint.name} answers each question alone; leave it out")
    preset = checkpoint.preset
    pattern = checkpoint.family.scopes[spec.lora_scope] if spec.targets is None else pattern_of(spec.targets)
    lora = LoraSettings(pattern, spec.rank, spec.alpha, spec.dropout, spec.init)
    return TrainingSpec(
        model=found,
        data=[_trained(Dataset.open(folder), spec) for folder in spec.data],
        mixture=counts_of(spec),
        limit=spec.limit,
        rows=None if spec.limit is None else WHOLE_IMAGES if spec.conversations else SPREAD,
        conversation_tokens=spec.turns_within,
        seed=spec.seed,
        scope=spec.lora_scope,
        lora=lora if spec.method == "lora" else None,
        dropout=(spec.dropout or None) if spec.method == "full" else None,
        optimizer=spec.optimizer,
        learning_rate=spec.learning_rate or preset.learning_rate,
        schedule=spec.schedule or preset.schedule,
        warmup=spec.warmup,
        warmup_steps=spec.warmup_steps,
        weight_decay=spec.weight_decay,
        clip=spec.clip,
        batch=spec.batch or preset.batch,
        epochs=spec.epochs,
        patience=spec.patience,
    )


def finished_metrics(spec: TrainSpec, out: Path, *, overwrite: bool = False) -> dict[str, Any] | None:
    """Return the metrics of a finished run, found without opening the model; None if it is not finished.

    Raises:
        RunError: If ``out`` holds another run, which is refused before torch is imported.
    """
    found = resolve(spec)
    if found is None:
        return None
    if not is_finished(out, found.to_json()):
        check_run(out, found.to_json(), overwrite=overwrite)
        return None
    return metrics_of_finished(spec, out)


def metrics_of_finished(spec: TrainSpec, out: Path) -> dict[str, Any]:
    """Return the metrics of a finished run, whose data sets must still hold the rows it was trained on.

    Raises:
        FactError: If a data set was changed.
    """
    check_unchanged(out, data_files(spec), lambda: _all_examples(spec))
    tidy_training(out)
    return TrainingMetrics.load(out / layout.METRICS).to_json()


def data_files(spec: TrainSpec) -> list[dict[str, list[int]]]:
    """Return the state of the files of each data set and split (see `Dataset.state`)."""
    splits = (spec.train_split, spec.validation_split)
    return [Dataset.open(folder).state(split) for folder in spec.data for split in splits]


def examples_of(spec: TrainSpec) -> tuple[Sequence[Example], Sequence[Example]]:
    """Return the examples for training, of a mixture those of its first epoch, and those for validation.

    Those of one data set are read on access, of several at once.
    """
    train, validation = (
        found[0] if len(found) == 1 else list(chain.from_iterable(found))
        for found in (list(parts(spec, validation=validation)) for validation in (False, True))
    )
    mixture = mixture_of(spec)
    if mixture is not None:
        train = [train[index] for index in mixture.epoch(0)]
    return train, validation


def parts(spec: TrainSpec, *, validation: bool) -> Iterator["StoredExamples"]:
    """Yield the examples of a split of each data set."""
    split = spec.validation_split if validation else spec.train_split
    limits = validation_limits(spec) if validation else [spec.limit] * len(spec.data)
    whole = spec.conversations and not validation
    for folder, limit in zip(spec.data, limits, strict=True):
        yield Dataset.open(folder).sequence(split, limit, whole_images=whole, trust_pixels=spec.trust_data)


def _all_examples(spec: TrainSpec) -> Iterator[Example]:
    for validation in (False, True):
        yield from chain.from_iterable(parts(spec, validation=validation))


def tidy_training(out: Path) -> None:
    """Remove the checkpoints of a finished run, which only a resumed one needs, and what a kill has left there."""
    shutil.rmtree(out / layout.CHECKPOINTS, ignore_errors=True)
    tidy(out)


def cpu_forced() -> bool:
    """Whether `accelerate` is set to use the CPU only."""
    return os.environ.get("ACCELERATE_USE_CPU", "false").lower() in ("1", "true")


def pattern_of(targets: str) -> str:
    """Return the pattern of ``--targets``: names of modules separated by commas, or a regular expression.

    Raises:
        RunError: If it is neither.
    """
    if re.fullmatch(r"[\w.]+(\s*,\s*[\w.]+)*", targets):
        names = "|".join(re.escape(name.strip()) for name in targets.split(","))
        return rf"(.*\.)?({names})"
    try:
        re.compile(targets)
    except re.error as error:
        raise RunError(f"--targets {targets!r}: not a regular expression ({error})") from error
    return targets


def _trained(data: Dataset, spec: TrainSpec) -> TrainedData:
    named = {"--train-split": spec.train_split, "--validation-split": spec.validation_split}
    if set(data.splits) == {TEST} and not any(name in data.splits for name in named.values()):
        make = f"`ninefold data {data.source} --split train`" if data.source in ("synthetic", "coco") else "its source"
        raise DataError(f"{data.folder}: is a test set, which is never trained on; make a training set with {make}")
    splits = (data.choose_split(split, option=option) for option, split in named.items())
    return TrainedData(data.name, *((split, data.fingerprint(split)) for split in splits))
