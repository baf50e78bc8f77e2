"""Identity of a model, known before it is opened. No torch here."""

from collections.abc import Mapping

from ninefold.errors import ModelError
from ninefold.models.checkpoint import hub
from ninefold.models.checkpoint.fingerprint import checkpoint_identity
from ninefold.models.checkpoint.messages import explained
from ninefold.models.endpoint import address
from ninefold.models.endpoint.batch import BatchAnswers
from ninefold.models.families import find
from ninefold.models.protocol import Model
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec


def resolve(spec: ModelSpec) -> Mapping[str, object] | None:
    """Return the identity of a model from the hashes of its files, which are cached.

    Returns:
        The same as ``identity`` of the opened model. None if it is known only after opening: for a registered model, a
        hub id that has not been downloaded, and a server that is to report its model itself.

    Raises:
        ModelError: If there is no such model, or the adapter is missing or belongs to another base.
    """
    if spec.name in REGISTERED:
        return None
    if spec.name.startswith(address.BATCH):
        return BatchAnswers(spec.name).identity
    if spec.name.startswith(address.PREFIX):
        _, model = address.split(spec.name)
        return address.identity(model) if model else None
    with explained(f"{spec.name}: its files cannot be read"):
        checkpoint = find(spec.name)
        found = checkpoint_identity(checkpoint, spec)
        if found is None:
            # Before torch is imported, which takes seconds.
            hub.check(checkpoint.path)
        return found


def check_opened(model: Model, resolved: Mapping[str, object]) -> None:
    """Refuse an opened model that differs from the one of its run, e.g. after an update on the hub.

    Raises:
        ModelError: If any part of its identity differs from the result of `resolve`.
    """
    opened = {"name": model.name, **model.identity}
    if changed := sorted(key for key in {*opened, *resolved} if opened.get(key) != resolved.get(key)):
        raise ModelError(f"{model.name}: its {', '.join(changed)} changed meanwhile; run the same command again")
