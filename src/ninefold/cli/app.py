"""The command line: parse, call, print, and one line for an error. Each group of commands has its own file."""

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import make_dataclass
from typing import Annotated, Any, Union

import tyro
from tyro.conf import DisallowNone, HelptextFromCommentsOff, OmitArgPrefixes, OmitSubcommandPrefixes, arg, subcommand

from ninefold import console, plugins
from ninefold.cli import options, process, usage
from ninefold.cli.commands import COMMANDS
from ninefold.errors import NinefoldError, first_line, printable, system_error
from ninefold.version import __version__

UNEXPECTED = 70
"""Exit code of an error that is not the user's (EX_SOFTWARE of BSD's sysexits)."""

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, as in shells."""

TERMINATED = 128 + signal.SIGTERM
"""Exit code after SIGTERM, as in shells."""

DESCRIPTION = f"""\
Teach vision-language models where things are, and prove it. Start with `ninefold demo`.

{options.HELP}

Exit codes: 0 done; 1 a broken fact (`data verify`) or a leak (`data overlap`);
2 a mistake in what was asked, or an error of the operating system;
{UNEXPECTED} an unexpected error; {INTERRUPTED} interrupted; {TERMINATED} terminated."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Every error is one line on standard error and an exit code (see `DESCRIPTION`); `--debug` shows its traceback.
    """
    debugging = os.environ.get(options.DEBUG, "0") not in {"", "0"}
    process.prepare()
    try:
        chosen = options.take(sys.argv[1:] if arguments is None else arguments)
        debugging = chosen.debug
        console.show_debugging(debugging)
        if chosen.version:
            print(f"ninefold {__version__}")
            return
        for plugin in chosen.plugins:
            plugins.load_plugin(plugin)
            console.debug(f"plugin {plugin} imported")
        command = _parse(chosen.rest)
        console.debug(f"command {command}")
        command.run()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:
        has_reader = not isinstance(error, BrokenPipeError) or process.has_reader()
        process.discard_unwritten()
        if not has_reader:
            # It has all the output it wants.
            return
        line, code = _explain(error)
        with suppress(OSError):
            if debugging:
                traceback.print_exception(error)
            print(f"ninefold: {printable(line)}", file=sys.stderr, flush=True)
        sys.exit(code)


def _parse(arguments: Sequence[str]) -> Any:
    """Return the command that the arguments name, an object with `run()`."""
    named = arguments[0] if arguments else ""
    # Modules take longer to import than all the rest, and other commands are of use only to tell what was mistyped.
    read = {named} & COMMANDS.keys() if named in {*COMMANDS, *usage.HELP} else COMMANDS.keys()
    names: dict[str, Any] = {
        name: {each: {} for each in command.names()} if name in read else {} for name, command in COMMANDS.items()
    }
    # Built at run time: to mypy it is a value and not a type.
    commands: Any = Union[
        *(
            Annotated[command.type(), subcommand(name)]
            if name in read
            else Annotated[make_dataclass(command.maker, ()), subcommand(name, description=command.summary)]
            for name, command in COMMANDS.items()
        )
    ]
    # Without a help text of its own, tyro looks for one in the source of `typing`.
    commands = Annotated[commands, arg(help="Subcommand.")]
    config = (DisallowNone, HelptextFromCommentsOff, OmitArgPrefixes, OmitSubcommandPrefixes)

    def parser(given: Sequence[str]) -> Any:
        return tyro.cli(commands, prog="ninefold", description=DESCRIPTION, args=given, config=config)

    return usage.parse(parser, arguments, names)


def _explain(error: BaseException) -> tuple[str, int]:
    """Return the error message for the user, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        code = TERMINATED if isinstance(error, process.Terminated) else INTERRUPTED
        return "interrupted; run the same command again to go on", code
    if isinstance(error, NinefoldError):
        return str(error), error.exit_code
    line = system_error(error)
    if line is not None:
        return line, NinefoldError.exit_code
    return (
        f"unexpected {type(error).__name__}: {first_line(error)}; "
        "repeat the command with --debug to see the traceback, and report it",
        UNEXPECTED,
    )
