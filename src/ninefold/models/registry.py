"""The registry of a user's own models, by name. No torch here."""

from collections.abc import Callable

from ninefold.errors import ModelError
from ninefold.models.families import FAMILIES, nano_bases
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec

Opener = Callable[[ModelSpec], Model]
"""A function that opens a registered model from its `ModelSpec`; it may refuse options it cannot use."""

REGISTERED: dict[str, Opener] = {}
"""The registered models, by the name that ``--model`` takes."""


def register_model(name: str, open_model: Opener) -> None:
    """Register a model under a name; an earlier registration of that name is replaced.

    Args:
        name: Its name for ``--model`` and `ModelSpec`, in letters, digits, ``-``, ``_`` and ``.``.
        open_model: A function from a `ModelSpec` to the model, any object with the methods of `Model`.

    Raises:
        ModelError: If ninefold itself has a model of this name, or the name could be a path, a hub id or a URL.
    """
    if name in FAMILIES or name in nano_bases():
        raise ModelError(f"model {name!r}: ninefold has one of this name; choose another")
    if not name or not all(character.isalnum() or character in "-_." for character in name):
        raise ModelError(f"model {name!r}: a name is made of letters, digits, '-', '_' and '.'")
    REGISTERED[name] = open_model
