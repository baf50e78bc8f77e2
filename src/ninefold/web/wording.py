"""Numbers and texts for readers: percentages that never round to 100 % or 0 %, intervals, counts, lists, excerpts."""

import re
from collections.abc import Callable, Sequence

NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"

EXACT = 1e-12
"""Largest distance from 0 or 1 that is taken for an error of floating point."""

MOST_DIGITS = 4
"""Largest number of digits after the point."""

_VISIBLE = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
"""Control characters but tab and line break, and the escapes that stand for them."""


def percent(value: float | None, digits: int = 0) -> str:
    """Return a fraction as a percentage; only 0 and 1 read as 0 % and 100 %."""
    return "–" if value is None else f"{hundredths(value, digits)}{NARROW_SPACE}%"


def points(value: float, digits: int = 0) -> str:
    """Return a difference of fractions in percentage points, signed; only 0 reads as zero, and only 1 as 100."""
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return f"{sign}{hundredths(abs(value), digits)}"


def span(bounds: Sequence[float | None] | None, digits: int = 1) -> str:
    """Return an interval of fractions, e.g. "41.2–44.0 %"; only 0 and 1 read as 0 and 100."""
    if bounds is None:
        return "–"
    ends = [hundredths(bound, digits) for bound in bounds if bound is not None]
    return f"{'–'.join(ends)}{NARROW_SPACE}%" if len(ends) == 2 else "–"


def hundredths(value: float, digits: int = 0) -> str:
    """Return 100 times a fraction in [0, 1], with as many more digits as keep it from reading as 0 or 100."""
    if min(value, 1 - value) < EXACT:
        return f"{100 * value:.0f}"
    for more in range(digits, max(digits, MOST_DIGITS) + 1):
        text = f"{100 * value:.{more}f}"
        if 0 < float(text) < 100:
            return text
    least = 10.0**-MOST_DIGITS
    return f"< {least:.{MOST_DIGITS}f}" if value < 0.5 else f"> {100 - least:.{MOST_DIGITS}f}"


def count(number: int) -> str:
    """Return an integer with thousands separated."""
    return f"{number:,}"


def quantity(number: int, noun: str) -> str:
    """Return a number of things, e.g. "1 question" or "3,888 questions"."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def aligned(rows: Sequence[Sequence[str]], justify: Callable[[str, int], str] = str.ljust) -> list[str]:
    """Return the lines of a table of plain text; its first column is flush left, the others are as ``justify`` says."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(justify, row[1:], widths[1:])]).rstrip() for row in rows]


def p_value(value: float) -> str:
    """Return a p-value in the usual notation."""
    text = "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}" if value < 0.01 else f"p = {value:.2f}"
    return text.replace(" ", NO_BREAK_SPACE)


def join(parts: Sequence[str]) -> str:
    """Return parts as one English list."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"


_WORDS = {"f1": "F1", "flip_circular": "flip + circular"}


def words(name: str) -> str:
    """Return the name of a figure, of a factor or of one of its values, as tables have it."""
    return _WORDS.get(name) or name.replace("multi_object", "multi-object").replace("_", " ")


def excerpt(text: str, most: int) -> str:
    """Return a text with escapes for what is not visible, cut after ``most`` characters; a cut text says its length."""
    shown = text[:most].translate(_VISIBLE).encode(errors="backslashreplace").decode()
    if text and not text.strip():
        shown = repr(text[:most])
    return shown if len(text) <= most else f"{shown} … ({count(most)} of {count(len(text))} characters)"


def slugs(names: Sequence[str]) -> list[str]:
    """Return, for each name, a unique one that is safe in links and file names."""
    plain = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "unnamed" for name in names]
    if len(set(plain)) == len(plain):
        return plain
    return [f"{slug}-{number}" for number, slug in enumerate(plain, start=1)]
