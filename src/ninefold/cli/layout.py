"""The layout of tyro's help: no defaults that say nothing, no examples cut in two, paragraphs wrapped."""

import re
import textwrap

_PLAIN = str.maketrans("╭╮╰╯─│•", "++++-|*")
"""Letters for boxes where a terminal has no others."""


def tidied(text: str, width: int, encoding: str = "utf-8") -> str:
    """Return the help of a command, as tyro prints it, in a tidy layout.

    Args:
        text: The help.
        width: Columns of the terminal.
        encoding: Encoding of the terminal.
    """
    text = re.sub(r"(\[+)PATH \[PATH \.\.\.\](\]+)", lambda found: "PATH ...".ljust(len(found[0])), text)
    lines: list[str] = []
    box: list[str] = []
    for line in text.splitlines():
        if line.startswith("│"):
            box.append(line)
        elif line.startswith("╰"):
            commands = "subcommands" in lines[-1]
            lines += [*(_without_examples(box) if commands else _wrapped(box)), line]
            box = []
        else:
            lines += textwrap.wrap(line, width) if line[:1].isalpha() and len(line) > width else [line.rstrip()]
    tidy = "\n".join(lines) + "\n"
    try:
        tidy.encode(encoding)
    except UnicodeEncodeError:
        return tidy.translate(_PLAIN)
    return tidy


def _without_examples(rows: list[str]) -> list[str]:
    """Return the rows of a list of commands without their examples, which each command's own help shows uncut."""
    kept, example = [], False
    for row in rows:
        example = "For example:" in row or (example and "•" not in row)
        if not example and row.strip("│ "):
            kept.append(row)
    return kept


def _wrapped(rows: list[str]) -> list[str]:
    """Return the rows of a list of options with each description wrapped as one paragraph.

    tyro keeps the line breaks of docstrings, which are those of the source code.
    """
    inner = [re.sub(r"\(default: (None)?\)", "", row[1:-1]).rstrip() for row in rows]
    indents = [len(row) - len(row.lstrip()) for row in inner if row.startswith("   ")]
    column, width = min(indents, default=0), max(map(len, rows)) - 2
    made: list[str] = []
    texts: list[str] = []

    def end() -> None:
        """Write the description of the option before, beside its name where there is room."""
        paragraph = textwrap.wrap(
            re.sub(r"\(default: (None)?\)", "", " ".join(texts)).strip(),
            width - column - 1,
            break_on_hyphens=False,
            break_long_words=False,
        )
        if paragraph and made and len(made[-1]) <= column - 2:
            made[-1] = made[-1].ljust(column) + paragraph.pop(0)
        made.extend(" " * column + line for line in paragraph)
        texts.clear()

    for row in filter(None, inner if indents else ()):
        if not row[:column].strip():
            texts.append(row.strip())
            continue
        end()
        beside = row[column - 2 : column] == "  "
        made.append(row[:column].rstrip() if beside else row)
        texts += [row[column:]] if beside else []
    end()
    return [f"│{line:<{width}}│" for line in (made if indents else inner)]
