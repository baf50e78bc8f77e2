"""LaTeX of tables: booktabs, with every character escaped for any engine and encoding."""

import unicodedata
from collections.abc import Sequence
from itertools import groupby

_SPECIAL = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "−": "$-$", "±": r"$\pm$", "×": r"$\times$"},
    **{
        "–": "--",
        "—": "---",
        "’": "'",
        "‘": "`",
        "“": "``",
        "”": "''",
        "\u202f": r"\,",
        "\u00a0": "~",
        "…": r"\dots{}",
        "†": r"\dag{}",
    },
}
_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c", "\u0328": "k",
}  # fmt: skip
"""LaTeX's accents, by Unicode's combining marks."""


def escape(text: str) -> str:
    """Return a text as LaTeX that any engine compiles; a letter of another script becomes its code, such as U+6570."""
    return "".join(_escaped(character) for character in unicodedata.normalize("NFC", text))


def table(title: str, label: str, heads: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], *, names: int) -> str:
    """Return a table environment.

    Args:
        title: Its caption.
        label: Its label, by which a text refers to it.
        heads: Lines of heads, each with one text per column; equal ones side by side are joined.
        rows: Texts of each row; the first text of a row is left out if the row above has the same one.
        names: Number of columns, from the left, that name the row.
    """
    columns = len(heads[-1])
    widths = (max(len(line[at]) for line in [heads[-1], *rows]) for at in range(columns))
    width = sum(LETTER * most + GAP for most in widths)
    is_wide = width > PAGE
    body = [
        rf"  \begin{{tabular}}{{{'l' * names}{'r' * (columns - names)}}}",
        r"    \toprule",
        *(line for level, head in enumerate(heads) for line in _head(head, names, is_last=level == len(heads) - 1)),
        r"    \midrule",
        *_body(rows, names),
        r"    \bottomrule",
        r"  \end{tabular}",
    ]
    # In two columns the starred form takes both; in one column it is the same as the plain one.
    environment = "table*" if width > COLUMN else "table"
    return "\n".join([
        "% Written by ninefold from the runs of a study; the CSV beside it has all numbers at full precision.",
        rf"% Needs \usepackage{{booktabs}}{' and graphicx' if is_wide else ''}.",
        rf"\begin{{{environment}}}",
        r"  \centering",
        rf"  \caption{{{escape(title)}}}",
        rf"  \label{{{label}}}",
        r"  \small",
        r"  \setlength{\tabcolsep}{4pt}",
        *([r"  \resizebox{\textwidth}{!}{%", *body, "  }"] if is_wide else body),
        rf"\end{{{environment}}}",
        "",
    ])  # fmt: skip


LETTER, GAP = 4.6, 8.0
"""Mean width of a letter and space between columns, in points."""

COLUMN, PAGE = 229.0, 345.0
"""Width of text in two columns and in one, in LaTeX's article class, in points."""


def _body(rows: Sequence[Sequence[str]], names: int) -> list[str]:
    lines, above = [], ""
    for row in rows:
        again = names > 1 and row[0] == above
        if names > 1 and above and not again:
            lines.append(r"    \midrule")
        lines.append(_line(["" if again else escape(row[0]), *map(escape, row[1:])]))
        above = row[0]
    return lines


def _head(head: Sequence[str], names: int, *, is_last: bool) -> list[str]:
    if is_last:
        return [_line([escape(text) for text in head])]
    cells, rules, at = [""] * names, [], names + 1
    for text, alike in groupby(head[names:]):
        width = len(list(alike))
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(text)}}}")
        rules.append(rf"\cmidrule(lr){{{at}-{at + width - 1}}}")
        at += width
    return [_line(cells), f"    {' '.join(rules)}"]


def _line(texts: Sequence[str]) -> str:
    # Braces keep an opening bracket from being read as an argument of the line break before it.
    start = "{}" if texts[0].startswith(("[", "*")) else ""
    return f"    {start}{' & '.join(texts)} \\\\"


def _escaped(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isspace():
        return " "
    if " " <= character <= "~":
        return character
    parts = unicodedata.normalize("NFD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        # An accent stands on a dotless i or j.
        letter = f"\\{parts[0]}" if parts[0] in "ij" else parts[0]
        return f"\\{_ACCENTS[parts[1]]}{{{letter}}}"
    return f"U+{ord(character):04X}"
