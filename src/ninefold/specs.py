"""Checks of specifications: the frozen dataclasses of plain values that users write, in Python or as options."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from math import isfinite
from pathlib import Path
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from ninefold.errors import DesignError

Spec = TypeVar("Spec")

AnyPath = str | Path
"""A path, as a string or a `Path`."""


def check_choices(spec: Any) -> None:
    """Refuse a specification with a value that its field does not offer; for its ``__post_init__``.

    Args:
        spec: A dataclass; the fields checked are those whose type is a ``Literal``, or a ``Literal`` or None.

    Raises:
        DesignError: If a field holds none of its choices.
    """
    for name, choices in _choices(type(spec)).items():
        value = getattr(spec, name)
        # 1 equals True, but is not the same choice.
        if not any(value == choice and type(value) is type(choice) for choice in choices):
            offered = ", ".join(str(choice) for choice in choices if choice is not None)
            raise DesignError(f"{option(name)} {value!r}: choose one of {offered}")


def check_finite(spec: Any) -> None:
    """Refuse a specification with a number that is infinite or not a number; for its ``__post_init__``.

    Raises:
        DesignError: If a field holds such a number.
    """
    for field in fields(spec):
        value = getattr(spec, field.name)
        if isinstance(value, float) and not isfinite(value):
            raise DesignError(f"{option(field.name)} {value}: must be a finite number")


def from_json(spec_type: type[Spec], values: Mapping[str, Any]) -> Spec:
    """Return a specification from JSON values; keys that are no fields are left out, absent ones have their default.

    Raises:
        DesignError: If a value is not of its field's type, or a field without default is absent.
    """
    hints = get_type_hints(spec_type)
    known = {field.name: values[field.name] for field in fields(spec_type) if field.name in values}  # type: ignore[arg-type]
    for name, value in known.items():
        kinds = tuple(_kinds(hints[name]))
        # True is an int for Python, but no number.
        if kinds and type(value) not in kinds and not (isinstance(value, Path) and Path in kinds):
            raise DesignError(f"{name}: {value!r:.60} is not of the type that it has")
    try:
        return spec_type(**known)
    except TypeError as error:
        raise DesignError(f"incomplete ({error})") from error


def paths_of(spec_type: type) -> tuple[str, ...]:
    """Return the fields of a specification that hold a path."""
    hints = get_type_hints(spec_type)
    return tuple(field.name for field in fields(spec_type) if Path in _kinds(hints[field.name]))


def needed_paths_of(spec_type: type) -> tuple[str, ...]:
    """Return the fields of a specification that hold a path and cannot be None."""
    hints = get_type_hints(spec_type)
    return tuple(name for name in paths_of(spec_type) if type(None) not in _kinds(hints[name]))


def with_paths(spec: Spec) -> Spec:
    """Return a specification whose path fields are `Path` objects, converted from strings."""
    if not is_dataclass(spec):
        return spec
    hints = get_type_hints(type(spec))
    changes: dict[str, Any] = {}
    for field in fields(spec):
        value, hint = getattr(spec, field.name), hints[field.name]
        if isinstance(value, str) and (hint is Path or Path in get_args(hint)):
            changes[field.name] = Path(value)
        elif hint == tuple[Path, ...]:
            changes[field.name] = tuple(map(Path, value))
        elif is_dataclass(value):
            changes[field.name] = with_paths(value)
    return replace(spec, **changes)  # type: ignore[type-var]


def _kinds(hint: Any) -> Iterator[type]:
    """Yield the types of a field's values; none for a type with parts of its own, which is not checked."""
    if get_origin(hint) is Literal:
        yield from map(type, get_args(hint))
    elif get_args(hint) and get_origin(hint) in {Union, UnionType}:
        for member in get_args(hint):
            yield from _kinds(member)
    elif isinstance(hint, type) and hint in {str, int, float, bool, Path, type(None)}:
        yield from (float, int) if hint is float else (hint,)


def folder_of(data: object) -> Path:
    """Return the folder of a data set, given its path or the opened data set.

    Raises:
        DesignError: If it is neither.
    """
    folder = getattr(data, "folder", data)
    if isinstance(folder, str | Path):
        return Path(folder)
    raise DesignError(f"--data {data!r}: name the folder of a data set")


def folders_of(data: object) -> tuple[Path, ...]:
    """Return the folders of data sets, given one or several (see `folder_of`).

    Raises:
        DesignError: If there is anything else among them.
    """
    return tuple(map(folder_of, data if isinstance(data, tuple | list) else (data,)))


def option(name: str) -> str:
    """Return the option of the command line that sets a field."""
    return f"--{name.replace('_', '-')}"


def _choices(spec: type) -> dict[str, tuple[object, ...]]:
    """Return the choices of each field that has some."""
    hints = get_type_hints(spec)
    found = {field.name: tuple(_literals(hints[field.name])) for field in fields(spec)}
    return {name: choices for name, choices in found.items() if choices}


def _literals(hint: Any) -> Iterator[object]:
    """Yield the values of a ``Literal``, or of a union of them and None; nothing for any other type."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
        return
    members = get_args(hint)
    if any(get_origin(member) is Literal for member in members) and all(
        get_origin(member) is Literal or member is type(None) for member in members
    ):
        for member in members:
            yield from (None,) if member is type(None) else get_args(member)
