"""The catalog of recipes, functions that return a `Study`; a new one is a function and a line here."""

import difflib
import inspect
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

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
        "pairs": "ninefold.studies.recipes.pairs:pairs",
        "spare-2b": "ninefold.studies.recipes.spare:spare_2b",
        "spare-7b": "ninefold.studies.recipes.spare:spare_7b",
        "spare-2b-search": "ninefold.studies.recipes.spare:spare_2b_search",
        "spare-7b-search": "ninefold.studies.recipes.spare:spare_7b_search",
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
    except (Exception, SystemExit) as error:
        raise RunError(f"study {name}: its function fails ({type(error).__name__}: {first_line(error)})") from error
    if not isinstance(study, Study):
        raise RunError(f"study {name}: its function returns a {type(study).__name__}; return a ninefold.Study")
    return study


def about(name: str) -> str:
    """Return the first line of a recipe's docstring."""
    return (inspect.getdoc(_function(name)) or "").partition("\n")[0]


def _hint(name: str) -> str:
    """Return what may have been meant."""
    if name.endswith(".py"):
        return f" (name a function of the file: {name}:FUNCTION)"
    near = difflib.get_close_matches(name, RECIPES, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _function(name: str) -> Callable[..., Any]:
    file, _, function = name.rpartition(":")
    if name in RECIPES:
        module, _, function = RECIPES[name].partition(":")
        return getattr(plugins.load_module(module), function)  # type: ignore[no-any-return]
    if not file.endswith(".py"):
        raise RunError(
            f"study {name}: no recipe of this name{_hint(name)}; there are {', '.join(RECIPES)}, or your own "
            "FILE.py:FUNCTION"
        )
    found = getattr(plugins.load_plugin(Path(file), option="study "), function, None)
    if not callable(found):
        raise RunError(f"study {name}: {file} has no function {function!r}")
    return found  # type: ignore[no-any-return]


def _converted(name: str, function: Callable[..., Any], key: str, value: str) -> Any:
    """Return a parameter's value, converted from text to its type; several values are separated by commas."""
    parameters = inspect.signature(function).parameters
    named = [one.name for one in parameters.values() if one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}]
    if key not in named:
        raise RunError(f"study {name}: has no parameter {key!r}; it has {', '.join(named) or 'none'}")
    try:
        hint = get_type_hints(function).get(key, str)
    except Exception as error:
        raise RunError(f"study {name}: the types of its parameters fail ({first_line(error)})") from error
    try:
        return _of_type(hint, value)
    except ValueError as error:
        raise RunError(f"study {name}: {key}={value}: give {error}") from error


def _of_type(hint: Any, text: str) -> Any:
    """Return the value of a type that a text stands for.

    Raises:
        ValueError: If there is none; the message says what there may be.
    """
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        kinds = [kind for kind in inside if kind is not NoneType]
        if text == "none" and len(kinds) < len(inside):
            return None
        return _of_type(kinds[0], text)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        values = [_of_type(inside[0], part) for part in text.split(",") if part]
        return values if origin is list else tuple(values)
    choices = {str(choice).lower(): choice for choice in inside} if origin is Literal else {}
    choices = {"true": True, "false": False} if hint is bool else choices
    if choices:
        if text.lower() not in choices:
            raise ValueError(f"one of {', '.join(choices)}")
        return choices[text.lower()]
    try:
        value: Any = hint(text) if hint in {int, float, Path} else text
    except ValueError as error:
        raise ValueError(f"a value of type {hint.__name__}") from error
    if hint is float and not isfinite(value):
        raise ValueError("a finite number")
    return value
