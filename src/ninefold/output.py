"""Outputs of commands: a folder is replaced only if ninefold wrote it, all of it, and nothing in it would be lost."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
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

    def has(self, folder: Path, asked: Settings) -> bool:
        """Whether a folder was made with these settings, whatever else is in it, such as the ``.git`` of a clone."""
        store.restore(folder)
        there = self.settings(folder) if folder.is_dir() and not folder.is_symlink() else None
        return there is not None and not differences(there, asked)


def located(path: Path) -> Path:
    """Return a path that ends in a name, beside which temporary files can be written; ``.`` and ``..`` have none."""
    return path.resolve() if path.name in {"", ".."} else path


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


def differences(there: Settings, asked: Settings) -> str:
    """Return the settings that differ, each with both values, such as "limit 100, asked 200"; empty if none does."""
    flat = dict(_flat(there)), dict(_flat(asked))
    names = [name for name in {**flat[1], **flat[0]} if flat[0].get(name) != flat[1].get(name)]
    shown = [f"{name} {flat[0].get(name, 'none')}, asked {flat[1].get(name, 'none')}" for name in names[:SHOWN]]
    return "; ".join([*shown, *([f"{len(names) - SHOWN} more"] if len(names) > SHOWN else [])])


def _flat(settings: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every setting under its path in nested settings, as a short text."""
    if isinstance(settings, Mapping) and settings:
        for key, value in settings.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(settings, list | tuple) and any(isinstance(value, Mapping) for value in settings):
        for index, value in enumerate(settings):
            yield from _flat(value, f"{name}[{index}]")
    else:
        text = settings if isinstance(settings, str) else store.canonical_json(settings)
        yield name, text if len(text) <= 60 else f"{text[:40]}... ({store.content_id(settings)})"


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        yield from (Path(root) / name for name in (*folders, *files))
