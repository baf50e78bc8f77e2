"""Decisions by boxes: whether a relation of two things holds in the image, does not, or cannot be told from rectangles.

Each rule is a function of one to three boxes; `RULES` and `OF_IMAGE` list them by relation, and their docstrings state
them. What rectangles in a plane cannot tell is undecided: what stands in front of what, what touches what, what faces
what. Distances are on the grid of 0..999.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ninefold.captions.geometry.boxes import AXES, GRID, Axis, Box

Outcome = Literal["confirmed", "contradicted", "undecided", "unmatched"]

OUTCOMES: tuple[Outcome, ...] = ("confirmed", "contradicted", "undecided", "unmatched")

APART = 20
"""Distance of two centers, or of one and the middle of the image, from which on it tells a side."""

WIDE = 800
"""Length from which a thing's center says nothing about where it is on that axis."""


class Decision(NamedTuple):
    """What boxes say of a relation, and by what."""

    outcome: Outcome
    """The outcome."""
    why: str
    """Its reason in a few words, with the numbers that decide."""


Rule = Callable[[Box, Box], Decision]
ImageRule = Callable[[Box], Decision]


def towards(axis: Axis, sign: int) -> Rule:
    """Return the rule of a direction, such as left: the first center lies to that side of the other by over 20."""

    def rule(subject: Box, other: Box) -> Decision:
        unusable = _unusable(axis, subject, other)
        if unusable:
            return unusable
        ahead = sign * (subject.center(axis) - other.center(axis))
        why = f"centers at {axis} {subject.center(axis):.0f} and {other.center(axis):.0f}"
        if abs(ahead) <= APART:
            return Decision("undecided", f"{why}, less than {APART} apart")
        return Decision("confirmed" if ahead > 0 else "contradicted", why)

    return rule


def on(subject: Box, other: Box) -> Decision:
    """Decide "on": contradicted where there is a gap of over 20 between the boxes.

    Confirmed where they touch, the first's center lies above or within the other, and it does not reach below it. What
    reaches below may stand in front of what is seen of a floor.
    """
    if subject.ambiguous or other.ambiguous:
        return _AMBIGUOUS
    if _fills(other):
        return Decision("undecided", "the second box fills the image")
    gap = max(subject.gap(other, axis) for axis in AXES)
    if gap > APART:
        return Decision("contradicted", f"boxes {gap:.0f} apart")
    low, high = other.range("x")
    if not low <= subject.center("x") <= high or subject.y_max > other.y_max + APART:
        return Decision("undecided", "the first box reaches beyond the second")
    return Decision("confirmed", "the first box stands on or within the second")


def inside(subject: Box, other: Box) -> Decision:
    """Decide "inside": confirmed where 90 % of the first box lie in the other, contradicted where 10 % do."""
    if subject.ambiguous or other.ambiguous:
        return _AMBIGUOUS
    if _fills(other):
        return Decision("undecided", "the second box fills the image")
    share = subject.share_in(other)
    outcome: Outcome = "confirmed" if share >= 0.9 else "contradicted" if share <= 0.1 else "undecided"
    return Decision(outcome, f"{share:.0%} of the first box in the second")


def between(subject: Box, ends: Sequence[Box]) -> Decision:
    """Decide "between": on the axis on which the two ends are further apart, the center lies between their centers."""
    first, second = ends
    axis: Axis = (
        "x" if abs(first.center("x") - second.center("x")) >= abs(first.center("y") - second.center("y")) else "y"
    )
    unusable = _unusable(axis, subject, first, second)
    if unusable:
        return unusable
    low, high = sorted((first.center(axis), second.center(axis)))
    center = subject.center(axis)
    why = f"centers at {axis} {low:.0f}, {center:.0f} and {high:.0f}"
    if high - low <= 2 * APART or min(abs(center - low), abs(center - high)) <= APART:
        return Decision("undecided", f"{why}, less than {APART} apart")
    return Decision("confirmed" if low < center < high else "contradicted", why)


def half(axis: Axis, sign: int) -> ImageRule:
    """Return the rule of a half of the image, such as its left: the center lies there, by over 20 from the middle."""

    def rule(subject: Box) -> Decision:
        unusable = _unusable(axis, subject)
        if unusable:
            return unusable
        ahead = sign * (subject.center(axis) - GRID / 2)
        why = f"center at {axis} {subject.center(axis):.0f}"
        if abs(ahead) <= APART:
            return Decision("undecided", f"{why}, close to the middle")
        return Decision("confirmed" if ahead > 0 else "contradicted", why)

    return rule


def central(subject: Box) -> Decision:
    """Decide "in the center": confirmed where the center lies in the middle third of both axes.

    Contradicted where it lies in the outer fifth on either one. An axis on which the thing is wide does not count.
    """
    if subject.ambiguous:
        return _AMBIGUOUS
    away = [abs(subject.center(axis) / GRID - 0.5) for axis in AXES if subject.length(axis) <= WIDE]
    if not away:
        return Decision("undecided", "the box fills the image")
    outcome: Outcome = "confirmed" if max(away) <= 1 / 6 else "contradicted" if max(away) >= 0.3 else "undecided"
    return Decision(outcome, f"center at {subject.center('x'):.0f}, {subject.center('y'):.0f}")


def corner(subject: Box) -> Decision:
    """Decide "in the corner": confirmed where the center lies in an outer third on both axes, contradicted on none."""
    if subject.ambiguous:
        return _AMBIGUOUS
    if any(subject.length(axis) > WIDE for axis in AXES):
        return Decision("undecided", "the box is wider than a corner")
    outer = sum(abs(subject.center(axis) / GRID - 0.5) > 1 / 6 for axis in AXES)
    outcome: Outcome = "confirmed" if outer == 2 else "contradicted" if outer == 0 else "undecided"
    return Decision(outcome, f"center at {subject.center('x'):.0f}, {subject.center('y'):.0f}")


LEFT, RIGHT, ABOVE, BELOW = towards("x", -1), towards("x", 1), towards("y", -1), towards("y", 1)

RULES: dict[str, Rule] = {
    "left": LEFT,
    "right": RIGHT,
    "above": ABOVE,
    "below": BELOW,
    "on": on,
    "inside_within": inside,
}
"""The rules of relations of two things, by their names in the taxonomy; "between" has `between`."""

OF_IMAGE: dict[str, ImageRule] = {
    "left": half("x", -1),
    "right": half("x", 1),
    "above": half("y", -1),
    "below": half("y", 1),
    "central_position": central,
    "within_boundary": corner,
}
"""The rules of places in the image."""

INVERSE = {"right": "left", "below": "above"}
"""Relations that say of two things what the other one says of them exchanged."""


def _unusable(axis: Axis, *boxes: Box) -> Decision | None:
    if axis == "y" and any(box.ambiguous for box in boxes):
        return _AMBIGUOUS
    longest = max(box.length(axis) for box in boxes)
    return Decision("undecided", f"{longest:.0f} long on {axis}") if longest > WIDE else None


def _fills(box: Box) -> bool:
    return all(box.length(axis) > WIDE for axis in AXES)


_AMBIGUOUS = Decision("undecided", "the lower edge of a box is ambiguous")
