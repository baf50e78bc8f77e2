"""The catalog of recipes, functions that return a `Study`; a new one is a function and a line here."""

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

from ninefold import plugins
from ninefold.errors import NinefoldError, RunError, first_line
from ninefold.studies.description import Study

RECIPES: Mapping[str, str] = MappingProxyType(
    {
        "paper": "ninefold.studies.recipes.paper:paper",
        "nano": "ninefold.studies.recipes.paper:nano",
        "collapse": "ninefold.studies.recipes.collapse:collapse",
        "mixtures": "ninefold.studies.recipes.mixtures:mixtures",
        "forgetting": "ninefold.studies.recipes.forgetting:forgetting",
        "clip": "ninefold.studies.recipes.clip:clip",
        "smoke": "ninefold.studies.recipes.smoke:smoke",
        "smoke-nano": "ninefold.studies.recipes.paper:smoke_nano",
    }
)
"""Module and function of each recipe, by name."""


def find(name: str, settings: Mapping[str, str] | None = None) -> Study:
    """Return the study of a recipe, or of a function in a file of the user's own.

    Args:
        name: The name of a recipe, or ``FILE.py:FUNCTION``.
        settings: Values for the function's parameters, as text; they are converted to the parameter's type.

    Raises:
        RunError: If there is no such recipe or function, a parameter is unknown or its value not of its type, or the
            function fails or returns something else than a `Study`.
        PluginError: If the file cannot be imported.
    """
    function = _function(name)
    arguments = {key: _converted(name, function, key, value) for key, value in (settings or {}).items()}
    try:
        study = function(**arguments)
    except NinefoldError as error:
        raise RunError(f"study {name}: {error}") from error
    except Exception as error:
        raise RunError(f"study {name}: its function fails ({type(error).__name__}: {first_line(error)})") from error
    if not isinstance(study, Study):
        raise RunError(f"study {name}: its function returns a {type(study).__name__}; return a ninefold.Study")
    return study


def about(name: str) -> str:
    """Return the first line of a recipe's docstring."""
    return (inspect.getdoc(_function(name)) or "").partition("\n")[0]


def _function(name: str) -> Callable[..., Any]:
    file, _, function = name.rpartition(":")
    if name in RECIPES:
        module, _, function = RECIPES[name].partition(":")
        return getattr(plugins.load_module(module), function)  # type: ignore[no-any-return]
    if not file.endswith(".py"):
        raise RunError(
            f"study {name}: no recipe of this name; there are {', '.join(RECIPES)}, or your own FILE.py:FUNCTION"
        )
    found = getattr(plugins.load_plugin(Path(file), option="study "), function, None)
    if not callable(found):
        raise RunError(f"study {name}: {file} has no function {function!r}")
    return found  # type: ignore[no-any-return]


def _converted(name: str, function: Callable[..., Any], key: str, value: str) -> Any:
    """Return a parameter's value, converted from text: numbers, paths, texts, or several separated by commas."""
    parameters = inspect.signature(function).parameters
    if key not in parameters:
        known = ", ".join(parameters) or "none"
        raise RunError(f"study {name}: has no parameter {key!r}; it has {known}")
    hint = get_type_hints(function).get(key, str)
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind in {int, float, Path, str}]
    kind = kinds[0] if kinds else str
    try:
        values = (
            [kind(part) for part in value.split(",")] if getattr(hint, "__origin__", None) is tuple else kind(value)
        )
    except ValueError as error:
        raise RunError(f"study {name}: {key}={value}: give a value of type {kind.__name__}") from error
    return tuple(values) if isinstance(values, list) else values
