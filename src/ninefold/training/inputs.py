"""The examples of a training run, as pixels, or as vision features where the vision tower is frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ninefold.data.format.dataset import Dataset
from ninefold.errors import ModelError
from ninefold.models import image_inputs
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.features import FeatureModel, feature_model
from ninefold.training.dataset import BatchEncoder, Concatenated, TrainingSet
from ninefold.training.processes import processes, say, tracked
from ninefold.training.spec import TrainSpec
from ninefold.types import Example


class Learner(Protocol):
    """A `ninefold.models.protocol.Trainable`, or a wrapper of it that takes features in place of pixels."""

    @property
    def encoder(self) -> BatchEncoder:
        """Makes tensors of examples."""
        ...

    def losses(self, network: Any, batch: Any) -> tuple[Any, Any]:
        """Return the cross-entropies of a batch, and the row each belongs to."""
        ...


@dataclass(frozen=True)
class Inputs:
    """The examples of a training run."""

    learner: Learner
    """The model, or the model with features in place of pixels."""
    train: TrainingSet
    """The examples to learn from."""
    validation: TrainingSet
    """The examples that decide which epoch is the best, and when to stop."""
    watch: image_inputs.Watch
    """A record of the sizes of all their images."""


def open_inputs(spec: TrainSpec, model: Trainable, *, resumed: bool | None = None) -> Inputs:
    """Open the data sets of a run; examples are read when they are needed.

    Args:
        spec: The training run.
        model: The model, ready to be trained.
        resumed: Whether the run that is resumed uses features; ``None`` where the run begins now.

    Raises:
        DataError: If a data set cannot be read.
        ModelError: If features are demanded and cannot be used.
    """
    train = _examples(spec, spec.train_split)
    validation = _examples(spec, spec.validation_split)
    learner = _choose_learner(spec, model, Concatenated([train, validation]), resumed)
    watch = image_inputs.Watch(model)
    return Inputs(
        learner,
        _training_set(spec.train_split, train, learner, watch),
        _training_set(spec.validation_split, validation, learner, watch),
        watch,
    )


def _examples(spec: TrainSpec, split: str) -> Sequence[Example]:
    """Return the examples of a split of all data sets, one set after another, read when they are needed."""
    found = [Dataset.open(folder).sequence(split, spec.limit) for folder in spec.data]
    return found[0] if len(found) == 1 else Concatenated(found)


def _training_set(split: str, examples: Sequence[Example], learner: Learner, watch: image_inputs.Watch) -> TrainingSet:
    count = len(examples)
    if isinstance(learner, FeatureModel):
        learner.prepare(examples, tracked(f"features of {split}", count))
    progress = tracked(f"images of {split}", count)
    return TrainingSet(examples, learner.encoder, watch=lambda passing: watch.through(progress(passing)))


def _choose_learner(spec: TrainSpec, model: Trainable, examples: Sequence[Example], resumed: bool | None) -> Learner:
    """Return the model itself, or with features in place of pixels where that is possible and wanted."""
    # With vision in the scope they are not tried: that would take a forward pass to find out what is known.
    hopeless = spec.lora_scope != "language" and spec.targets is None
    if spec.features == "off" or resumed is False or (spec.features == "auto" and hopeless):
        return model
    try:
        # Several processes have to call a network's own forward, which takes no features of a dual encoder.
        if model.family.kind == "dual" and processes().num_processes > 1:
            raise ModelError(f"{model.name}: takes features in a single process only")
        return feature_model(model, examples, folder=spec.features_folder)
    except ModelError as error:
        if spec.features == "on" or resumed:
            raise
        say(f"pixels rather than features: {error}")
    return model
