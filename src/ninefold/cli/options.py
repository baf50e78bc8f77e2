"""Global options: `--debug` and `--plugin FILE`, taken from anywhere on the command line or from the environment."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ninefold.errors import PluginError

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
