"""What was typed wrongly on a command line, in one line with the nearest names."""

import difflib
import io
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, TypeVar

from ninefold.cli import layout
from ninefold.errors import NinefoldError

Parsed = TypeVar("Parsed")

HELP = {"-h", "--help"}
"""The options that ask for help."""

_ALIASES = {
    "lr": "learning-rate",
    "batch-size": "batch",
    "num-train-epochs": "epochs",
    "lora-r": "rank",
    "lora-alpha": "alpha",
    "dataset": "data",
    "output": "out",
    "output-dir": "out",
    "num-samples": "limit",
}
"""Names of options in other tools, and here."""

_KINDS = {"INT": "a whole number", "FLOAT": "a number", "PATH": "a path"}
"""Kinds of values, as tyro names them and in words."""

_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


class _Captured(io.StringIO):
    """A stream in memory, for which tyro draws its boxes as on most terminals."""

    encoding = "utf-8"


class UsageError(NinefoldError):
    """A command line that names no command, or options that it does not have."""


def parse(parser: Callable[[Sequence[str]], Parsed], arguments: Sequence[str], commands: Mapping[str, Any]) -> Parsed:
    """Return what a parser makes of the arguments.

    Args:
        parser: A function of the arguments that prints help and ends Python, as `tyro.cli` does.
        arguments: The arguments.
        commands: The names of the commands; each with those of its subcommands, or an empty mapping.

    Raises:
        UsageError: If the arguments are wrong; in one line, with the nearest names.
    """
    command = _command(arguments, commands)
    given = _given(arguments)
    if twice := next((option for option in given if given.count(option) > 1), None):
        # Of an option given twice, tyro takes the last values and drops the others.
        raise UsageError(
            f"{twice}: is given twice; give it once, several values after it; see `ninefold {' '.join(command)} --help`"
        )
    said, shown = _Captured(), _Captured()
    try:
        with redirect_stderr(said), redirect_stdout(shown):
            return parser(arguments)
    except SystemExit as stop:
        if not stop.code:
            encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
            print(layout.tidied(shown.getvalue(), shutil.get_terminal_size().columns, encoding), end="")
            raise
        text = said.getvalue()
    options = _options(parser, command)
    name = " ".join(["ninefold", *command])
    raise UsageError(f"{_mistake(text, arguments[len(command) :], options, name)}; see `{name} --help`")


def _command(arguments: Sequence[str], commands: Mapping[str, Any]) -> list[str]:
    """Return the leading words that name the command."""
    words: list[str] = []
    for word in arguments:
        if not commands or word in HELP:
            return words
        if word not in commands:
            where = " ".join(["ninefold", *words])
            inside = next(
                (f" (did you mean `{where} {name} {word}`?)" for name in commands if word in commands[name]), ""
            )
            hint = inside or _nearest(word, commands)
            raise UsageError(f"{word}: `{where}` has no such command{hint}; see `{where} --help`")
        words.append(word)
        commands = commands[word]
    if commands:
        where = " ".join(["ninefold", *words])
        raise UsageError(f"`{where}` needs a command: {', '.join(commands)}; see `{where} --help`")
    return words


def _given(arguments: Iterable[str]) -> list[str]:
    """Return the options among some arguments, as they are written in help."""
    return [argument.partition("=")[0].replace("_", "-") for argument in arguments if argument.startswith("--")]


def _options(parser: Callable[[Sequence[str]], Any], command: Sequence[str]) -> set[str]:
    """Return the options of a command, as its help lists them."""
    shown = _Captured()
    try:
        with redirect_stdout(shown), redirect_stderr(_Captured()):
            parser([*command, "--help"])
    except SystemExit:
        pass
    # Each option begins a row of a box; those inside descriptions do not.
    rows = re.findall(r"^│ (-.*?)(?:  |│$)", shown.getvalue(), re.MULTILINE)
    return {option for row in rows for option in _OPTION.findall(row)}


def _mistake(text: str, arguments: Sequence[str], options: Iterable[str], name: str) -> str:
    for option in _given(arguments):
        if option not in options:
            return f"{option}: `{name}` has no such option{_nearest(option, options)}"
    # The rest is what tyro says, without its boxes and the descriptions of options.
    lines = [re.sub(r"^[│╭╰─\s]+|[│╮╯─\s]+$", "", line) for line in text.splitlines()]
    missing = [found[1] for line in lines if (found := re.fullmatch(r"(--[a-z-]+|[A-Z]+)( .*)?", line))]
    if any(line.startswith("Missing from") for line in lines) and missing:
        return f"`{name}` needs {', '.join(dict.fromkeys(missing))}"
    body = [line for line in lines[1:] if line]
    first = " ".join(body[: next((at for at, line in enumerate(body) if _ends(line)), len(body))])
    return _in_words(first.rstrip("."), arguments) or "the arguments cannot be read"


def _in_words(said: str, arguments: Sequence[str]) -> str:
    """Return what tyro says about a value, in plain words; anything else as it is."""
    if found := re.match(r"Error parsing (\S+): no type matching (\w+) .*? from \['(.*?)'\]\.", said):
        option, kind, value = found.groups()
        return f"{option} {value}: not {_KINDS.get(kind, kind)}"
    if found := re.match(r"Error parsing (\S+): .* (int|float).*: '(.*)'$", said):
        return f"{found[1]} {found[3]}: not {_KINDS[found[2].upper()]}"
    # An option that takes several numbers is parsed as a whole.
    if found := re.match(r"Error parsing (\S+): Could not find valid parse for arguments: \[(.*)\]", said):
        values = " ".join(re.findall(r"'(.*?)'", found[2]))
        said = f"{found[1]} {values}: must be numbers"
    if found := re.match(r"invalid choice '(.*)' for argument '(\S+)'\. Expected one of \((.*)\)", said):
        value, option, offered = found.groups()
        # tyro's order is another one each time.
        choices = sorted(set(re.findall(r"[^', ]+", offered)) - {"None"})
        return f"{option} {value}: choose one of {', '.join(choices)}"
    if found := re.match(r"Missing value for argument '(\S+)'", said):
        return f"{found[1]}: needs a value"
    if found := re.match(r"Unrecognized options: (\S+)", said):
        before = arguments[: arguments.index(found[1])] if found[1] in arguments else ()
        option = next((argument for argument in reversed(before) if argument.startswith("--")), None)
        return f"{found[1]}: one value too many" + (f" ({option} takes one)" if option else "")
    return said


def _ends(line: str) -> bool:
    return line.startswith(("Argument helptext", "For full helptext", "Available subcommands"))


def _nearest(name: str, names: Iterable[str]) -> str:
    """Return the most similar of some names in brackets; the dashes of options do not count."""
    by_word = {each.lstrip("-"): each for each in names}
    word = name.lstrip("-")
    alias = _ALIASES.get(word)
    found = [alias] if alias in by_word else difflib.get_close_matches(word, list(by_word), n=1)
    return f" (did you mean {by_word[found[0]]}?)" if found else ""
