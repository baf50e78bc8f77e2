"""The command line: parse, call, print, and one line for an error. The commands stand in one file a group."""

import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import tyro
from tyro.conf import DisallowNone, HelptextFromCommentsOff, OmitArgPrefixes, OmitSubcommandPrefixes, subcommand

from ninefold import console
from ninefold.cli import options
from ninefold.errors import NinefoldError, first_line, system_error
from ninefold.version import __version__

UNEXPECTED = 70
"""The exit code of an error that is not the user's (EX_SOFTWARE of BSD's sysexits)."""

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""

DESCRIPTION = f"""\
Teach vision-language models where things are, and prove it. Start with `ninefold demo`.

{options.HELP}

Exit codes: 0 done; 1 `data verify` found a broken fact; 2 a mistake in what was asked, or an error of the operating
system; {UNEXPECTED} an unexpected error; {INTERRUPTED} interrupted."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Every error is one line on standard error and an exit code (see `DESCRIPTION`); `--debug` shows its traceback.
    """
    debugging = os.environ.get(options.DEBUG, "0") not in {"", "0"}
    try:
        chosen = options.take(sys.argv[1:] if arguments is None else arguments)
        debugging = chosen.debug
        console.show_debugging(debugging)
        if chosen.version:
            print(f"ninefold {__version__}")
            return
        for plugin in chosen.plugins:
            options.load_plugin(plugin)
            console.debug(f"plugin {plugin} imported")
        command = _parse(chosen.rest)
        console.debug(f"command {command}")
        command.run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Somebody closed the pipe, as `| head` does; what was asked for has been said.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Exception, KeyboardInterrupt) as error:
        if debugging:
            traceback.print_exception(error)
        line, code = _explain(error)
        print(f"ninefold: {line}", file=sys.stderr)
        sys.exit(code)


def _parse(arguments: Sequence[str]) -> Any:
    """Return the command that the arguments name, an object with `run()`."""
    # Imported after the plugins, whose sources are subcommands too.
    from ninefold.cli import data, demo, evaluate, models, nano, report, train

    # Built as the program runs, so that it is a value to mypy and not a type.
    commands: Any = (
        Annotated[demo.Demo, subcommand("demo")]
        | Annotated[data.group(), subcommand("data")]
        | Annotated[train.Train, subcommand("train")]
        | Annotated[evaluate.Evaluate, subcommand("evaluate")]
        | Annotated[evaluate.Score, subcommand("score")]
        | Annotated[report.Report, subcommand("report")]
        | Annotated[models.Models, subcommand("models")]
        | Annotated[nano.Nano, subcommand("nano")]
    )
    return tyro.cli(
        commands,
        prog="ninefold",
        description=DESCRIPTION,
        args=arguments,
        config=(DisallowNone, HelptextFromCommentsOff, OmitArgPrefixes, OmitSubcommandPrefixes),
    )


def _explain(error: BaseException) -> tuple[str, int]:
    """Return the line that tells a user about an error, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted; the same command goes on from here", INTERRUPTED
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
