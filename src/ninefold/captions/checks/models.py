"""The models of the checks, known by their files, without opening them. No torch here."""

from collections.abc import Mapping
from pathlib import Path

from ninefold.captions.spec import ChecksSpec
from ninefold.errors import ModelError
from ninefold.models.checkpoint.files import read_object
from ninefold.models.checkpoint.fingerprint import checkpoint_identity
from ninefold.models.families import find
from ninefold.models.spec import ModelSpec

_POOLING = "1_Pooling/config.json"
"""The file in which sentence-transformers keeps how tokens become one vector."""


def model_spec(name: str) -> ModelSpec:
    """Return how a model of a check is opened: in single precision, so that every machine rejects the same pairs."""
    return ModelSpec(name, dtype="float32")


def identities(spec: ChecksSpec) -> dict[str, Mapping[str, object] | None]:
    """Return the identity of each model by its option, from which results follow; None where it is not used.

    Raises:
        ModelError: If there is no such model.
    """
    embedding = spec.embedding_model if "semantic" in spec.checks else None
    clip = spec.clip_model if "clipscore" in spec.checks else None
    return {
        "embedding_model": None if embedding is None else _identity(embedding),
        "clip_model": None if clip is None else _identity(clip),
    }


def _identity(name: str) -> Mapping[str, object]:
    checkpoint = find(name)
    found = checkpoint_identity(checkpoint, model_spec(name))
    if found is None:
        raise ModelError(f"{name}: is not on this machine; download it first, as with `hf download {name}`")
    return {**found, "first_token": True} if takes_first_token(Path(checkpoint.path)) else found


def takes_first_token(folder: Path) -> bool:
    """Whether a text's vector is that of its first token, and not the average.

    Raises:
        ModelError: If the checkpoint asks for another way.
    """
    if not (folder / _POOLING).parent.exists():
        return False
    if not (folder / _POOLING).is_file():
        raise ModelError(f"{folder / _POOLING}: no such file; copy or download the checkpoint again")
    chosen = {name for name, on in read_object(folder / _POOLING).items() if name.startswith("pooling_mode_") and on}
    if chosen not in ({"pooling_mode_mean_tokens"}, {"pooling_mode_cls_token"}):
        named = ", ".join(sorted(chosen)) or "none"
        raise ModelError(f"{folder / _POOLING}: asks for {named}; mean and first token are what can be computed")
    return chosen == {"pooling_mode_cls_token"}
