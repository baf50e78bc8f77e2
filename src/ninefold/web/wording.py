"""Numbers as text: percentages that never round up to 100 % or down to 0 %, intervals, counts and lists."""

import re
from collections.abc import Sequence

NARROW_SPACE = "\u202f"
NO_BREAK_SPACE = "\u00a0"
MINUS = "\u2212"


def percent(value: float | None, digits: int = 0) -> str:
    """Return a fraction as a percentage; only exactly 0 and 1 read as 0 % and 100 %."""
    if value is None:
        return "–"
    while digits < 4 and value not in (0, 1) and float(f"{100 * value:.{digits}f}") in (0, 100):
        digits += 1
    return f"{100 * value:.{0 if value in (0, 1) else digits}f}{NARROW_SPACE}%"


def points(value: float, digits: int = 0) -> str:
    """Return a difference of fractions in percentage points, signed; a real difference never reads as zero."""
    while digits < 4 and value != 0 and float(f"{100 * value:.{digits}f}") == 0:
        digits += 1
    sign = "+" if value > 0 else MINUS if value < 0 else "±"
    return f"{sign}{abs(100 * value):.{digits}f}"


def span(bounds: Sequence[float | None] | None, digits: int = 1) -> str:
    """Return an interval of fractions, e.g. "41.2–44.0 %"."""
    if bounds is None or None in bounds:
        return "–"
    low, high = (f"{100 * float(bound or 0):.{digits}f}" for bound in bounds)
    return f"{low}–{high}{NARROW_SPACE}%"


def count(number: int) -> str:
    """Return an integer with thousands separated."""
    return f"{number:,}"


def p_value(value: float) -> str:
    """Return a p-value in the usual notation."""
    text = "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}" if value < 0.01 else f"p = {value:.2f}"
    return text.replace(" ", NO_BREAK_SPACE)


def join(parts: Sequence[str]) -> str:
    """Return parts as one English list."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + f" and {parts[-1]}"


def slugs(names: Sequence[str]) -> list[str]:
    """Return, for each name, a unique one that is safe in links and file names."""
    plain = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "unnamed" for name in names]
    if len(set(plain)) == len(plain):
        return plain
    return [f"{slug}-{number}" for number, slug in enumerate(plain, start=1)]
