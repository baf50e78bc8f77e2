"""Outputs of commands: a folder is replaced only if ninefold wrote it, all of it, and nothing in it would be lost."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import DataError, NinefoldError, RunError

Settings = Mapping[str, Any]
"""Everything that determines an output, in JSON types."""

SHOWN = 3
"""Largest number of settings that a message names."""


@dataclass(frozen=True)
class Kind:
    """A kind of folder that ninefold writes, and how it is recognized."""

    name: str
    """What it is, in words."""
    files: re.Pattern[str]
    """Paths of its own files and folders, relative to it, with ``/``."""
    settings: Callable[[Path], Settings | None]
    """Function that returns the settings which made a folder, or None if the folder is not of this kind."""
    error: type[NinefoldError] = DataError
    """Class of its errors."""

    def check(self, folder: Path, asked: Settings, *, overwrite: bool, inputs: Iterable[Path] = ()) -> bool:
        """Refuse a path at which something would be lost, before any work is done.

        Args:
            folder: The path to write to.
            asked: The settings of what is to be written.
            overwrite: Whether an output of the same kind with other settings is replaced.
            inputs: The files and folders that the command reads.

        Returns:
            Whether the folder was made with the same settings; it may be incomplete.

        Raises:
            NinefoldError: If something else is there, or the same kind with other settings and not ``overwrite``.
        """
        store.restore(folder)
        check_inputs(folder, inputs)
        if folder.is_symlink():
            raise self.error(f"{folder}: is a link; name the folder that it leads to, or choose another --out")
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return False
        there = self.settings(folder) if folder.is_dir() else None
        if there is None:
            raise self.error(
                f"{folder}: holds something else than a {self.name}, so it is not replaced; choose another --out"
            )
        check_own(folder, self.name, self.files, self.error)
        changed = differences(there, asked)
        if changed and not overwrite:
            raise self.error(
                f"{folder}: holds a {self.name} with other settings ({changed}); choose another --out, or replace it "
                "with --overwrite"
            )
        return not changed

    def is_unchanged(self, folder: Path, written: object, there: object, *, overwrite: bool) -> bool:
        """Return whether the files of a finished output are those that were written.

        Args:
            folder: The output.
            written: What its record says of its files.
            there: The same of the files that are there now.
            overwrite: Whether it is written again if they are not.

        Raises:
            NinefoldError: If they are not, and not ``overwrite``.
        """
        if written != there and not overwrite:
            raise self.error(
                f"{folder}: files of this export were changed or removed; replace it with --overwrite, or choose "
                "another --out"
            )
        return written == there

    def has(self, folder: Path, asked: Settings) -> bool:
        """Whether a folder was made with these settings, whatever else is in it, such as the ``.git`` of a clone."""
        store.restore(folder)
        there = self.settings(folder) if folder.is_dir() and not folder.is_symlink() else None
        return there is not None and not differences(there, asked)


def located(path: Path) -> Path:
    """Return a path that ends in a name, beside which temporary files can be written; ``.`` and ``..`` have none.

    Raises:
        DataError: If it is the root of the file system.
    """
    found = path.resolve() if path.name in {"", ".."} else path
    if not found.name:
        raise DataError(f"{path}: is the root of the file system, which nothing is written over; choose another --out")
    return found


def check_own(folder: Path, name: str, files: re.Pattern[str], error: type[NinefoldError] = RunError) -> None:
    """Refuse to replace a folder that holds files of somebody else.

    Args:
        folder: The folder.
        name: What it is, in words.
        files: Paths of its own files and folders, relative to it, with ``/``.
        error: Class of the error.

    Raises:
        NinefoldError: If there is another file, folder or link; the message names it.
    """
    strange = strange_path(folder, files)
    if strange is not None:
        raise error(
            f"{strange}: is not of the {name} around it, and would be lost; move it elsewhere, or choose another --out"
        )


def strange_path(folder: Path, files: re.Pattern[str]) -> Path | None:
    """Return a file, folder or link in an output that is none of its own; None if there is none.

    Args:
        folder: The output.
        files: Paths of its own files and folders, relative to it, with ``/``.
    """
    for path in _walk(folder):
        inside = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (files.fullmatch(inside) or store.is_temporary(path)):
            return path
    return None


def check_inputs(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output path where an input of the same command is.

    Raises:
        RunError: If an input is the output path, or lies in it.
    """
    where = out.resolve()
    for path in inputs:
        if where in (path.resolve(), *path.resolve().parents):
            raise RunError(f"{out}: the command reads {path} there; choose another --out")


_ABSENT = object()
"""Stands for a setting that is not there."""


def differences(there: Settings, asked: Settings) -> str:
    """Return the settings that differ, each with both values, such as "limit 100, asked 200"; empty if none does."""
    changed = list(_changed(there, asked))
    shown = [f"{name} {_short(old)}, asked {_short(new)}" for name, old, new in changed[:SHOWN]]
    return "; ".join([*shown, *([f"{len(changed) - SHOWN} more"] if len(changed) > SHOWN else [])])


def _changed(there: object, asked: object, name: str = "") -> Iterator[tuple[str, object, object]]:
    """Yield the path and both values of every setting that differs; one of them may be `_ABSENT`."""
    parts: Iterable[tuple[str, object, object]]
    if isinstance(there, Mapping) and isinstance(asked, Mapping):
        dot = f"{name}." if name else ""
        parts = ((f"{dot}{key}", there.get(key, _ABSENT), asked.get(key, _ABSENT)) for key in {**asked, **there})
    elif all(isinstance(side, list | tuple) and _has_mappings(side) for side in (there, asked)):
        both = zip_longest(there, asked, fillvalue=_ABSENT)  # type: ignore[call-overload]
        parts = ((f"{name}[{index}]", old, new) for index, (old, new) in enumerate(both))
    else:
        if _ABSENT in (there, asked) or store.canonical_json(there) != store.canonical_json(asked):
            yield name, there, asked
        return
    for part, old, new in parts:
        yield from _changed(old, new, part)


def _has_mappings(values: Iterable[object]) -> bool:
    return any(isinstance(value, Mapping) for value in values)


def _short(value: object) -> str:
    """Return a setting as a short text; a file or a model, which is known by several, by its name."""
    if value is _ABSENT or value is None or value == []:
        return "not set" if value is _ABSENT else "none"
    if isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value):
        return _cut(", ".join(_short(each) for each in value))
    named = value.get("name") if isinstance(value, Mapping) else value
    return _cut(named if isinstance(named, str) else store.canonical_json(value))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:40]}... ({store.content_id(text)})"


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        yield from (Path(root) / name for name in (*folders, *files))
