"""Plugins: a user's own Python files, each imported once; they register questions, sources or models."""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ninefold.errors import NinefoldError, PluginError, first_line

LOADED: list[Path | str] = []
"""The files and modules imported so far, in order: other processes that share the work import them too."""


def load(plugin: Path | str) -> ModuleType:
    """Import a plugin again in another process: a file, or a module of an installed package by its name."""
    return load_plugin(plugin) if isinstance(plugin, Path) else load_module(plugin)


def load_module(name: str) -> ModuleType:
    """Import a module by name, which registers something."""
    module = importlib.import_module(name)
    if name not in LOADED:
        LOADED.append(name)
    return module


def load_plugin(path: Path, option: str = "--plugin ") -> ModuleType:
    """Import a Python file once, under its file name; it registers its own questions, sources or models.

    Args:
        path: The file.
        option: The option that named it, for messages.

    Raises:
        PluginError: If there is no such file, or an exception ends its import; the message names the line.
    """
    name, file = path.stem, path.resolve()
    if not file.is_file():
        raise PluginError(f"{option}{path}: no such file")
    if path.suffix != ".py" or not name.isidentifier():
        raise PluginError(f"{option}{path}: the file is imported; name it as a module of Python, such as my_models.py")
    known = _known(name)
    # `python -m ninefold` also looks for modules in the working directory, and finds the plugin itself there.
    if known is not None and known != file:
        raise PluginError(f"{option}{path}: Python has a module named {name} already; rename the file")
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Registered like any import: dataclasses and pickle must find the classes of the file.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        kind = "" if isinstance(error, NinefoldError) else f"{type(error).__name__}: "
        raise PluginError(f"{option}{path}: {_line(error, file)}{kind}{first_line(error)}") from error
    LOADED.append(file)
    return module


def _known(name: str) -> Path | None:
    """Return the file of the module that Python imports by a name; its name if it has no file."""
    module = sys.modules.get(name)
    if module is not None:
        return Path(getattr(module, "__file__", None) or name).resolve()
    spec = importlib.util.find_spec(name)
    return None if spec is None else Path(spec.origin or name).resolve()


def _line(error: BaseException, file: Path) -> str:
    """Return the line of the plugin at which an exception was raised."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: "
    frames = traceback.extract_tb(error.__traceback__)
    numbers = [frame.lineno for frame in frames if Path(frame.filename) == file]
    return f"line {numbers[-1]}: " if numbers else ""
