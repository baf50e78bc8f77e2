"""The registry of a user's own models, by name. No torch here."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from ninefold.errors import ModelError, NinefoldError, PluginError, first_line
from ninefold.models.families import FAMILIES, nano_bases
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec
from ninefold.types import Example

Opener = Callable[[ModelSpec], Model]
"""A function that opens a registered model from its `ModelSpec`; it may refuse options it cannot use."""

_NEEDED = ("name", "identity", "predict", "choice_scores", "image_input", "image_settings")
"""What every model has; `hidden_states` is used by own scripts only."""


class Fitted(NamedTuple):
    """What the training of a registered model gives."""

    arrays: Mapping[str, Any]
    """numpy arrays by name. The opener later gets a folder in ``spec.adapter`` that holds them in
    ``adapter_model.safetensors``."""
    train_loss: float
    """Mean loss over the training examples."""
    validation_loss: float
    """Mean loss over the validation examples."""


Fit = Callable[[ModelSpec, Sequence[Example], Sequence[Example], int], Fitted]
"""A function that trains a registered model: its `ModelSpec`, the training and the validation examples, and a seed."""

REGISTERED: dict[str, Opener] = {}
"""The registered models, by the name that ``--model`` takes."""

FITTED: dict[str, Fit] = {}
"""The functions that train registered models, by name; a model without one can be evaluated only."""


def register_model(name: str, open_model: Opener, fit: Fit | None = None) -> None:
    """Register a model under a name; an earlier registration of that name is replaced.

    Args:
        name: Its name for ``--model`` and `ModelSpec`, in letters, digits, ``-``, ``_`` and ``.``.
        open_model: A function from a `ModelSpec` to the model, any object with the methods of `Model`.
        fit: A function that trains it (see `Fit`), so that `ninefold train` and studies can; by default it cannot be
            trained.

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
    FITTED.pop(name, None)
    if fit is not None:
        FITTED[name] = fit


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
    guarded = _Guarded(model, spec.name)
    missing = [name for name in _NEEDED if not hasattr(guarded, name)]
    if missing:
        raise PluginError(
            f"{where} returns {'None' if model is None else f'a {type(model).__name__}'}, which has no "
            f"{', '.join(missing)}; return a model whose class inherits from ninefold.Model"
        )
    return guarded


class _Guarded:
    """A user's own model as the package uses it: an error of its code names the model, the example and the line."""

    def __init__(self, model: object, name: str) -> None:
        self._model = model
        self._registered = name

    def __getattr__(self, attribute: str) -> Any:
        try:
            found = getattr(self._model, attribute)
        except (AttributeError, NinefoldError):
            raise
        except (Exception, SystemExit) as error:
            raise self._failed(attribute, error) from error
        return partial(self._call, attribute, found) if callable(found) else found

    def _call(self, attribute: str, method: Callable[..., Any], asked: Any, **options: Any) -> Any:
        """Call a method for one example or several."""
        try:
            return method(asked, **options)
        except NinefoldError:
            raise
        except (Exception, SystemExit) as error:
            one = isinstance(asked, Example)
            failing = asked if one else _failing(lambda few: method(few, **options), asked)
            raise self._failed(attribute, error, failing) from error

    def _failed(self, attribute: str, error: BaseException, example: Example | None = None) -> PluginError:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return PluginError(
            f"model {self._registered!r}: its {attribute} fails{f' on example {example.id}' if example else ''} "
            f"({type(error).__name__}: {first_line(error)}; {last.filename}, line {last.lineno})"
        )


def _failing(call: Callable[[Sequence[Example]], Any], examples: Sequence[Example]) -> Example | None:
    """Return an example on which a call fails, found by halving; None if it does not fail again."""
    while len(examples) > 1:
        half = examples[: len(examples) // 2]
        try:
            call(half)
            examples = examples[len(half) :]
        except (Exception, SystemExit):
            examples = half
    return examples[0] if examples else None
