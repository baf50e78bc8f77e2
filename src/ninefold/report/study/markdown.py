"""Tables in Markdown, with every character shown as it is."""

from collections.abc import Sequence


def table(sentence: str, notes: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, names: int) -> str:
    """Return a table with its caption above it.

    Args:
        sentence: First sentence of the caption.
        notes: The rest of the caption.
        heads: Heads of the columns.
        rows: Texts of each row.
        names: Number of columns, from the left, that name the row.
    """
    lines = [heads, ["---"] * names + ["--:"] * (len(heads) - names), *rows]
    body = "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
    return f"**{_cell(sentence)}** {_cell(notes)}\n\n{body}\n"


def _cell(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\`*_{}[]<>#|~" else each for each in " ".join(text.split()))
