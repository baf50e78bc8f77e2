"""Global options: `--debug` and `--plugin FILE`, taken from anywhere on the command line or from the environment."""

import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ninefold.errors import NinefoldError, PluginError, first_line

DEBUG = "NINEFOLD_DEBUG"
"""Environment variable that acts as `--debug` if it is 1."""

PLUGINS = "NINEFOLD_PLUGINS"
"""Environment variable with the paths of plugins, separated as in PATH."""

HELP = f"""\
Options of every command, anywhere on the line:
  --debug        Show the traceback of an error, its chain of causes, and
                 messages for developers ({DEBUG}=1).
  --plugin FILE  Import a Python file of your own first, which registers your
                 questions, answer formats, sources or models; may be repeated
                 ({PLUGINS}=FILE{os.pathsep}FILE).
  --version      Print the version."""


@dataclass(frozen=True)
class Options:
    """The global options of one command."""

    debug: bool
    """Whether errors show their traceback."""
    plugins: tuple[Path, ...]
    """Python files to import first."""
    version: bool
    """Whether to print only the version."""
    rest: tuple[str, ...]
    """The other arguments, for the command itself."""


def take(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Options:
    """Separate the global options from the other arguments.

    Raises:
        PluginError: If `--plugin` is last, without a file.
    """
    debug, version = environment.get(DEBUG, "0") not in {"", "0"}, False
    plugins = [Path(path) for path in environment.get(PLUGINS, "").split(os.pathsep) if path]
    rest: list[str] = []
    left = iter(arguments)
    for argument in left:
        name, _, value = argument.partition("=")
        if argument == "--debug":
            debug = True
        elif argument == "--version":
            version = True
        elif name == "--plugin":
            path = value or next(left, "")
            if not path:
                raise PluginError("--plugin: name the Python file to import, as in --plugin my_questions.py")
            plugins.append(Path(path))
        else:
            rest.append(argument)
    return Options(debug, tuple(plugins), version, tuple(rest))


def load_plugin(path: Path) -> None:
    """Import a Python file once, under its file name; it registers its own questions, sources or models.

    Raises:
        PluginError: If there is no such file, or an exception ends its import; the message names the line.
    """
    name, file = path.stem, path.resolve()
    if not file.is_file():
        raise PluginError(f"--plugin {path}: no such file")
    if path.suffix != ".py" or not name.isidentifier():
        raise PluginError(f"--plugin {path}: the file is imported; name it as a module of Python, such as my_models.py")
    known = _known(name)
    # `python -m ninefold` also looks for modules in the working directory, and finds the plugin itself there.
    if known is not None and known != file:
        raise PluginError(f"--plugin {path}: Python has a module named {name} already; rename the file")
    if name in sys.modules:
        return
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
        raise PluginError(f"--plugin {path}: {_line(error, file)}{kind}{first_line(error)}") from error


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
