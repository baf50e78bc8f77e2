"""The opener of models of every kind by name; torch is imported only for local models."""

from ninefold.errors import ModelError
from ninefold.models.compute.device import check_device
from ninefold.models.endpoint.address import BATCH, is_elsewhere
from ninefold.models.families import find
from ninefold.models.protocol import Model, Trainable
from ninefold.models.registry import FITTED, REGISTERED, open_registered
from ninefold.models.spec import ModelSpec


def open_model(spec: ModelSpec | str) -> Model:
    """Open a model.

    Args:
        spec: The model and its options, or its name alone.

    Raises:
        ModelError: If there is no such model, or it cannot be used with these options; the message gives the reason.
    """
    from ninefold.models.endpoint.batch import BatchAnswers
    from ninefold.models.endpoint.model import Endpoint

    spec = ModelSpec.of(spec)
    if spec.name in REGISTERED:
        return open_registered(spec)
    if not is_elsewhere(spec.name):
        return open_trainable(spec)
    if spec.adapter is not None:
        raise ModelError(
            f"{spec.adapter}: an endpoint takes no adapter; load it into the server, and give its name after the #"
        )
    spec.check_writes()
    if (spec.dtype, spec.device, spec.trust_remote_code) != ("auto", "auto", False):
        raise ModelError("an endpoint's precision, device and code are its server's: set them where it is started")
    return BatchAnswers(spec.name) if spec.name.startswith(BATCH) else Endpoint(spec.name)


def has_local_weights(name: str) -> bool:
    """Whether a name is that of a checkpoint, and not of a server's or a registered model, or of answers."""
    return name not in REGISTERED and not is_elsewhere(name)


def check_trainable(name: str) -> None:
    """Refuse the name of a model without local weights, before anything heavy is imported.

    Raises:
        ModelError: If it names a server's model, or a registered one.
    """
    if is_elsewhere(name):
        raise ModelError(
            f"{name}: a server's weights cannot be trained from here; name a model with weights of its own"
        )
    if name in REGISTERED and name not in FITTED:
        raise ModelError(f"{name}: a registered model without a fit function can be evaluated, not trained")


def check_has_states(name: str) -> None:
    """Refuse the name of a model that is known to have no hidden states, before anything heavy is imported.

    Raises:
        ModelError: If it names a server's model, or a dual encoder, in which no layer sees image and question together.
    """
    if is_elsewhere(name):
        raise ModelError(f"{name}: a server tells no hidden states; name the checkpoint itself with --model")
    if name not in REGISTERED and (family := find(name).family).kind == "dual":
        raise ModelError(
            f"{name}: a {family.name} model has no layer that sees image and question together; probe one that writes"
        )


def open_trainable(spec: ModelSpec | str) -> Trainable:
    """Open a model as `open_model` does, if its weights are local.

    Raises:
        ModelError: If its weights are on a server, there is no such model, or it cannot be used with these options.
    """
    spec = ModelSpec.of(spec)
    check_trainable(spec.name)
    if spec.name in REGISTERED:
        raise ModelError(f"{spec.name}: a registered model has no network of its own here")
    # Before the imports, which take seconds.
    check_device(spec.device)

    from ninefold.models.checkpoint.messages import explained
    from ninefold.models.checkpoint.network import open_checkpoint
    from ninefold.models.clip.model import DualEncoder
    from ninefold.models.families import GENERIC
    from ninefold.models.vlm.model import VisionLanguageModel

    checkpoint = find(spec.name)
    if checkpoint.family is GENERIC and not checkpoint.local:
        # The family of a hub id without a row is known from its configuration.
        with explained(f"{spec.name}: cannot be opened"):
            checkpoint, _ = open_checkpoint(spec)
    return DualEncoder.load(spec) if checkpoint.family.kind == "dual" else VisionLanguageModel.load(spec)
