"""A user's own models, by the names they are registered under. No torch here."""

from collections.abc import Callable

from ninefold.errors import ModelError
from ninefold.models.families import FAMILIES, nano_bases
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec

Opener = Callable[[ModelSpec], Model]
"""What opens a registered model: it is given the options of `--model` and may refuse those it has no use for."""

REGISTERED: dict[str, Opener] = {}
"""The registered models, by the name that ``--model`` takes."""


def register_model(name: str, open_model: Opener) -> None:
    """Make a model known by a name; one that was registered before under that name is replaced.

    Args:
        name: What ``--model`` and `ModelSpec` call it, in letters, digits, ``-``, ``_`` and ``.``.
        open_model: Returns the model, given its `ModelSpec`: any object with the methods of `Model`.

    Raises:
        ModelError: If ninefold has a model of this name, or the name could be read as a path, a hub id or a URL.
    """
    if name in FAMILIES or name in nano_bases():
        raise ModelError(f"model {name!r}: ninefold has one of this name; choose another")
    if not name or not all(character.isalnum() or character in "-_." for character in name):
        raise ModelError(f"model {name!r}: a name is made of letters, digits, '-', '_' and '.'")
    REGISTERED[name] = open_model
