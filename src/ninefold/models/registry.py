"""The registry of a user's own models, by name. No torch here."""

from collections.abc import Callable

from ninefold.errors import ModelError, NinefoldError, PluginError, first_line
from ninefold.models.families import FAMILIES, nano_bases
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec

Opener = Callable[[ModelSpec], Model]
"""A function that opens a registered model from its `ModelSpec`; it may refuse options it cannot use."""

_NEEDED = ("name", "identity", "predict", "choice_scores", "image_input", "image_settings")
"""What every model has; `hidden_states` is used by own scripts only."""

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
    if not callable(open_model):
        raise ModelError(f"model {name!r}: give a function that opens it, not {open_model!r}")
    REGISTERED[name] = open_model


def open_registered(spec: ModelSpec) -> Model:
    """Open a registered model.

    Raises:
        PluginError: If its opener fails, or returns something that is no model.
    """
    opener = REGISTERED[spec.name]
    where = f"model {spec.name!r}: its opener {getattr(opener, '__name__', type(opener).__name__)}"
    try:
        model: object = opener(spec)
    except NinefoldError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where} fails ({type(error).__name__}: {first_line(error)})") from error
    missing = [name for name in _NEEDED if not hasattr(model, name)]
    if missing:
        raise PluginError(
            f"{where} returns {'None' if model is None else f'a {type(model).__name__}'}, which has no "
            f"{', '.join(missing)}; return a model whose class inherits from ninefold.Model"
        )
    return model  # type: ignore[return-value]
