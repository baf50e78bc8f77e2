"""Identity of a model, known before it is opened. No torch here."""

from collections.abc import Mapping

from ninefold.models.checkpoint.fingerprint import checkpoint_identity
from ninefold.models.endpoint import address
from ninefold.models.families import find
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec


def resolve(spec: ModelSpec) -> Mapping[str, object] | None:
    """Return the identity of a model from the hashes of its files, which are remembered.

    Returns:
        What ``identity`` of the opened model is. None where only opening tells: for a registered model, for a hub id
        that has not been downloaded, and for a server that is to say itself which model it has.

    Raises:
        ModelError: If there is no such model, or the adapter is none or one of another base.
    """
    if spec.name in REGISTERED:
        return None
    if spec.name.startswith(address.PREFIX):
        _, model = address.split(spec.name)
        return address.identity(model) if model else None
    return checkpoint_identity(find(spec.name), adapter=spec.adapter, dtype=spec.dtype, device=spec.device)
