"""The record: a frozen dataclass with a JSON form that is checked when it is read; and checked parts of other files."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, Self

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs.shape import hints_of, misfit


class Record:
    """A frozen dataclass with a JSON form; unknown keys are ignored."""

    OPTIONAL: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out where they are None."""

    def to_json(self) -> dict[str, Any]:
        """Return the record in JSON types."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}  # type: ignore[arg-type]
        return {key: _plain(value) for key, value in values.items() if value is not None or key not in self.OPTIONAL}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the record that a file holds.

        Raises:
            RunError: If the file is missing or broken, or lacks a key; the message names it.
        """
        found = store.read_json(path)
        try:
            return cls.from_json(found)
        except RunError as error:
            raise RunError(f"{path}: {error}") from error

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Self:
        """Return the record from a JSON object.

        Raises:
            RunError: If it lacks a key that has no default, or a value is of another type.
        """
        known = {each.name for each in fields(cls)}  # type: ignore[arg-type]
        try:
            record = cls(**{key: value for key, value in found.items() if key in known})
        except TypeError as error:
            raise RunError(f"a record of a run lacks something ({error}); run its command again elsewhere") from error
        hints = hints_of(cls)  # type: ignore[arg-type]
        for name in known:
            wrong = misfit(getattr(record, name), hints[name], name)
            if wrong is not None:
                raise RunError(f"the value of {wrong} is not what ninefold writes; run its command again elsewhere")
        return record


def read_part(path: Path, shape: Any, kind: type = dict) -> Any:
    """Return the content of a JSON file of a run, checked.

    Args:
        path: The file.
        shape: The type of its content (see `ninefold.runs.shape`).
        kind: The type of its outermost value.

    Raises:
        RunError: If the file is missing or broken, or a value is of another type; the message names it.
    """
    found = store.read_json(path, kind)
    wrong = misfit(found, shape)
    if wrong is not None:
        raise RunError(
            f"{path}: the value of {wrong or 'all'} is not what ninefold writes; run its command again elsewhere"
        )
    return found


def _plain(value: object) -> Any:
    """Return a value in JSON types: records as objects, tuples as lists."""
    if isinstance(value, Record):
        return value.to_json()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
