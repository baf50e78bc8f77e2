"""The layout of tyro's help: no defaults that say nothing, no examples cut in two, paragraphs wrapped."""

import re
import textwrap

_PLAIN = str.maketrans("╭╮╰╯─│•", "++++-|*")
"""Letters for boxes where a terminal has no others."""

NO_BREAK = "\u00a0"


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
        elif line.startswith("╭"):
            # The name of a part within a part says nothing.
            title = re.sub(r"^╭─ \w+\.", "╭─ ", line)
            lines.append(title[:-1] + "─" * (len(line) - len(title)) + title[-1:])
        elif line[:1].isalpha():
            lines += textwrap.wrap(line, width, subsequent_indent="  " if line.startswith("usage:") else "")
        else:
            lines += _continued(line.rstrip(), width)
    tidy = "\n".join(lines) + "\n"
    try:
        tidy.encode(encoding)
    except UnicodeEncodeError:
        return tidy.translate(_PLAIN)
    return tidy


def _continued(line: str, width: int) -> list[str]:
    """Return the lines of an example of a command, cut as a shell allows it."""
    if len(line) <= width or not line.startswith("  ninefold "):
        return [line]
    parts = textwrap.wrap(
        line.replace(" --", "\n--").replace(" ", NO_BREAK).replace("\n", " "),
        width - 2,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(parts).replace(NO_BREAK, " ").split("\n")


def _without_examples(rows: list[str]) -> list[str]:
    """Return the rows of a list of commands without their examples, which each command's own help shows uncut."""
    kept, example = [], False
    for row in rows:
        example = "For example:" in row or (example and "•" not in row)
        says = row.strip("│ ").removeprefix("Subcommand.").strip()
        if not example and says not in {"", "(required)"}:
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
            # tyro cuts numbers at the comma.
            re.sub(r"(\d,) (\d{3}\b)", r"\1\2", re.sub(r"\(default: (None)?\)", "", " ".join(texts)).strip()),
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
    return [f"│{line:<{width}}│" for line in (made if indents else filter(None, inner))]
