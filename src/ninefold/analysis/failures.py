"""Failure modes: why the answers of a score table are not right, told apart and counted.

A collapse of accuracy means little until its mode is known: the fall of models tuned on all of COCO is one of answers
without a label (Rizzoli et al. 2025, section 4.B).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import pandas as pd

from ninefold.space import PLACES, REGIONS
from ninefold.types import AnswerKind

Mode = Literal[
    "empty", "no label", "several labels", "truncated", "refused",
    "wrong: center", "wrong: neighbor", "wrong: opposite", "wrong: far", "wrong: other",
]  # fmt: skip
"""Why an answer is not right. The first five are the kinds of invalid answers (`ninefold.types.AnswerKind`; "no label"
is an answer off the list). The others are wrong labels, by the place of the label in the 3 x 3 regions, seen from the
true one: the center; a region that touches the true one at a side or a corner; the mirror image of the true one,
left to right, top to bottom, or both; any that is farther away. "other" is a label, or a true answer, without a place.
Each answer has the first mode that fits."""

MODES: tuple[Mode, ...] = get_args(Mode)
"""All modes, in the order of tables."""


class Failures(NamedTuple):
    """Answers by outcome; all counts together are ``n``."""

    n: int
    """Number of answers."""
    right: int
    """Number of right answers."""
    modes: Mapping[Mode, int]
    """Number of answers in each mode, every mode of `MODES` in order, 0 where there are none."""
    wrong: Mapping[tuple[str, str], int]
    """Number of wrong labels by true answer and label given, the most frequent first."""

    @property
    def invalid(self) -> int:
        """Return the number of answers without a label."""
        return sum(self.modes[kind] for kind in get_args(AnswerKind) if kind != "label")

    @property
    def wrong_labels(self) -> int:
        """Return the number of answers with a wrong label."""
        return self.n - self.right - self.invalid


def failures(scores: pd.DataFrame) -> Failures:
    """Return the failure modes of a score table, or of the tables of several seeds, one after the other.

    Args:
        scores: One row per answer, with the columns ``kind``, ``label``, ``answer`` and ``correct``.
    """
    right = scores["correct"].to_numpy(bool)
    has_label = (scores["kind"] == "label").to_numpy(bool)
    invalid = scores["kind"][~has_label].value_counts()
    pairs = scores.loc[has_label & ~right, ["answer", "label"]].astype(str).value_counts(sort=False)
    # Equal counts in alphabetical order: rows of a table may stand in any order.
    wrong = dict(sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])))
    counts = {str(kind): int(count) for kind, count in invalid.items()}
    for (answer, label), count in wrong.items():
        mode = wrong_mode(answer, label)
        counts[mode] = counts.get(mode, 0) + int(count)
    return Failures(
        len(scores),
        int(right.sum()),
        {mode: counts.get(mode, 0) for mode in MODES},
        {pair: int(count) for pair, count in wrong.items()},
    )


def wrong_mode(answer: str, label: str) -> Mode:
    """Return the mode of a wrong label (see `Mode`)."""
    if answer not in PLACES or label not in PLACES:
        return "wrong: other"
    true, given = PLACES[answer], PLACES[label]
    if label == "center":
        return "wrong: center"
    if max(abs(one - other) for one, other in zip(true, given, strict=True)) <= 1:
        return "wrong: neighbor"
    mirrored = all(other in (one, REGIONS - 1 - one) for one, other in zip(true, given, strict=True))
    return "wrong: opposite" if mirrored else "wrong: far"
