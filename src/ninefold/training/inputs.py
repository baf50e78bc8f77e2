"""The examples of a training run, as pixels or, if the vision tower is frozen, as vision features."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Any, Protocol

from ninefold.errors import DataError, ModelError
from ninefold.models import image_inputs
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.features import FeatureModel, feature_model
from ninefold.training.conversations import Conversations
from ninefold.training.dataset import BatchEncoder, Concatenated, TrainingSet, joined
from ninefold.training.mixture import Mixture, mixture_of
from ninefold.training.processes import milestone, processes, say, tracked
from ninefold.training.settings import parts
from ninefold.training.sharding import sharded
from ninefold.training.spec import TrainSpec
from ninefold.types import Example
from ninefold.web.wording import quantity

MEASURED = 8
"""Number of examples that seem the longest whose tokens are counted, if they seem longer than the model's context."""


class Learner(Protocol):
    """A `ninefold.models.protocol.Trainable`, or its wrapper that takes features instead of pixels."""

    @property
    def encoder(self) -> BatchEncoder:
        """The maker of tensors from examples."""
        ...

    def losses(self, network: Any, batch: Any) -> tuple[Any, Any]:
        """Return the cross-entropies of a batch, and the row each belongs to."""
        ...


@dataclass(frozen=True)
class Inputs:
    """The examples of a training run."""

    learner: Learner
    """The model, or its wrapper that takes features instead of pixels."""
    train: TrainingSet
    """The training examples."""
    validation: TrainingSet
    """The validation examples, which decide the best epoch and early stopping."""
    mixture: Mixture | None
    """The training examples of each epoch; None for all."""
    watch: image_inputs.Watch
    """The record of the sizes of all their images."""
    questions: int | None = None
    """Number of questions in the training examples, if these are conversations."""


def open_inputs(spec: TrainSpec, model: Trainable, *, resumed: bool | None = None) -> Inputs:
    """Open the data sets of a run; examples are read on access.

    Args:
        spec: The training run.
        model: The model, ready to be trained.
        resumed: Whether the resumed run uses features; ``None`` for a new run.

    Raises:
        DataError: If a data set cannot be read, or an example is longer than the model's context.
        ModelError: If features are required (``--features on``) and cannot be used.
    """
    found = [list(parts(spec, validation=validation)) for validation in (False, True)]
    train, validation = map(joined, found)
    questions = None
    if spec.turns_within is not None:
        train = Conversations.of(found[0], model.encoder.turn_lengths, spec.turns_within)
        questions = train.questions
        milestone(f"{quantity(len(train), 'conversation')} of {quantity(questions, 'question')}")
    learner = _choose_learner(spec, model, Concatenated([train, validation]), resumed)
    watch = image_inputs.Watch(model)
    return Inputs(
        learner,
        _training_set(spec.train_split, train, model, learner, watch),
        _training_set(spec.validation_split, validation, model, learner, watch),
        mixture_of(spec),
        watch,
        questions,
    )


def _training_set(
    split: str, examples: Sequence[Example], model: Trainable, learner: Learner, watch: image_inputs.Watch
) -> TrainingSet:
    count = len(examples)
    if isinstance(learner, FeatureModel):
        learner.prepare(examples, tracked(f"features of {split}", count))
    progress = tracked(f"images of {split}", count)
    found = TrainingSet(examples, learner.encoder, watch=lambda passing: watch.through(progress(passing)))
    _check_context(model, found)
    return found


def _check_context(model: Trainable, training_set: TrainingSet) -> None:
    """Refuse an example that is longer than the model's context, which would be learned at positions it cannot use."""
    if model.family.kind == "dual":
        return
    context = getattr(model.model.config.get_text_config(), "max_position_embeddings", None)
    lengths = training_set.lengths
    for index in nlargest(MEASURED, range(len(lengths)), key=lengths.__getitem__):
        # A large photo counts as it is, and its processor may make it smaller.
        if context is None or lengths[index] <= context:
            return
        tokens = training_set.batch([index])["labels"].numel()
        if tokens > context:
            raise DataError(
                f"example {training_set.examples[index].id}: has {tokens:,} tokens, and {model.name} takes at most "
                f"{context:,}; lower --conversation-tokens, or leave the example out"
            )


def _choose_learner(spec: TrainSpec, model: Trainable, examples: Sequence[Example], resumed: bool | None) -> Learner:
    """Return the model, or its wrapper that takes features instead of pixels, if possible and requested."""
    # If vision is trained, features are impossible: no trial forward pass is needed to know that.
    hopeless = spec.lora_scope != "language" and spec.targets is None
    if spec.features == "off" or resumed is False or (spec.features == "auto" and (hopeless or sharded())):
        return model
    try:
        # Several processes have to call a network's own forward, and a dual encoder's takes no features.
        if model.family.kind == "dual" and processes().num_processes > 1:
            raise ModelError(f"{model.name}: takes features in a single process only")
        return feature_model(model, examples, folder=spec.features_folder)
    except ModelError as error:
        if spec.features == "on" or resumed:
            raise
        say(f"pixels rather than features: {error}")
    return model
