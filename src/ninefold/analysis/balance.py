"""Balance of a table of examples: joint counts of its factors, and bounds on text-only accuracy; all exact.

A table is a mapping from column to list, one value per row. Nothing is sampled, and nothing is assumed about the origin
of the rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ninefold.space import GRID, LABELS, REGIONS, Cell, region_of_cell

Codes = NDArray[np.int64]
"""One small integer per row, from 0: the level of a factor, or the index of a distinct text."""

MARGINALS: tuple[tuple[str, ...], ...] = (
    ("object", "order", "region"), ("object", "size", "region", "slot"), ("object", "size", "cell"),
    ("slot",), ("region",), ("cell",), ("order",), ("object",), ("shape",), ("color",), ("size",), ("distractors",),
    ("region", "slot"), ("object", "slot"), ("size", "slot"), ("size", "slot", "region"),
    ("region", "order"), ("object", "order"), ("size", "order"),
    ("cell_row", "slot"), ("cell_col", "slot"), ("inner_cell", "slot"), ("region", "before"), ("region", "after"),
    ("shape", "slot"), ("color", "slot"), ("shape", "color"),
    ("cell", "slot"), ("cell", "order"), ("cell", "size", "slot"), ("object", "size", "order"),
    ("answer",), ("question", "order", "answer"), ("answer", "slot"), ("answer", "order"), ("answer", "size", "slot"),
    ("answer", "before"), ("answer", "after"),
    ("category",), ("category", "region"), ("category", "slot"), ("category", "order"),
)  # fmt: skip
"""Factors whose joint counts are stated, if a table has them. ``before`` and ``after`` are the options next to the
answer, "none" included; ``inner_cell`` is the position of the cell within its region. ``answer`` and ``question`` are
factors if the answer is not the region."""

NOT_FACTORS = {
    "id", "question", "prompt", "options", "answer", "answer_format", "group", "scene", "grid", "canvas",
    "things", "manifest pixels", "manifest text",
}  # fmt: skip
"""Columns that are not factors."""

SHARED = {
    "id": "ids", "manifest pixels": "images", "manifest text": "questions with their answer", "prompt": "prompts",
    "question": "questions", "scene": "scenes", "object": "objects", "category": "categories", "group": "groups",
    "image_id": "image ids",
}  # fmt: skip
"""Columns whose distinct values are counted, with the name of each count."""


class Factor(NamedTuple):
    """A factor: the levels of a column."""

    codes: Codes
    """The level of every row."""
    levels: int
    """Number of levels."""


def within(table: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return the balance of one split, in JSON types.

    Returns:
        ``distinct`` values by column, ``marginals``, those of them that are ``not_exact``, the ``text_only`` bounds,
        the ``orders`` of the options and, for scenes with several things, ``distractors``.
    """
    factors = _factors(table)
    marginals = [_marginal(names, factors) for names in _tuples(factors, len(table["id"]))]
    stated = {
        "distinct": {called: len(_distinct(table, name)) for name, called in SHARED.items() if name in table},
        "marginals": marginals,
        "not_exact": [
            {key: entry[key] for key in ("factors", "min", "max", "mean")} for entry in marginals if not entry["exact"]
        ],
        "text_only": _text_only(table),
    }
    if all(table["options"]):
        stated["orders"] = _orders(table)
    if any(len(things) > 1 for things in table.get("things", [])):
        stated["distractors"] = _distractors(table["things"], table["grid"], _codes(table["answer"]))
    return stated


def between(one: Mapping[str, list[Any]], other: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return what two splits share: distinct values by column, and the information from one about answers in the other.

    A random split of a complete design leaks through what is missing: the answer *least* seen with a prompt in one
    split is the likely one in the other (48 % instead of 11 % for the paper's training pool).

    Returns:
        ``shared`` counts by column, and ``carried_over``: rows of the second split answered right by a reader who gives
        each prompt the answer seen most, or least, often with it in the first split. Unseen prompts stay unanswered.
    """
    prompts, texts = pd.factorize(np.array(one["prompt"] + other["prompt"], object))
    answers, labels = pd.factorize(np.array(one["answer"] + other["answer"], object))
    known = len(one["prompt"])
    joint = _joint(prompts[:known], answers[:known], len(texts), len(labels))
    prompt, answer = prompts[known:], answers[known:]
    seen = joint.sum(axis=1)[prompt] > 0
    return {
        "shared": {
            called: len(_distinct(one, name) & _distinct(other, name))
            for name, called in SHARED.items()
            if name in one and name in other
        },
        "carried_over": {
            "rows": len(prompt),
            "most seen": int((seen & (joint.argmax(axis=1)[prompt] == answer)).sum()),
            "least seen": int((seen & (joint.argmin(axis=1)[prompt] == answer)).sum()),
        },
    }


def _distinct(table: Mapping[str, list[Any]], name: str) -> set[Any]:
    """Return the distinct values of a column; what has no image has none in common."""
    return set(table[name]) - ({""} if name == "manifest pixels" else set())


def bound(view: str, texts: Codes, answers: Codes) -> dict[str, Any]:
    """Return the bound on text-only accuracy: the Bayes accuracy over these rows, and the mutual information.

    Args:
        view: Name of the text, such as "prompt".
        texts: Index of each row's text among the distinct texts, shape (rows,).
        answers: Index of each row's answer among the answers, shape (rows,).

    Returns:
        The number of distinct texts, the rows answered right by the best possible reader as a fraction (also reduced),
        and the mutual information in bits: exactly 0 if text and answer are independent, otherwise rounded.
    """
    rows, by_text, by_answer = len(texts), np.bincount(texts), np.bincount(answers)
    # Only pairs that occur: of free answers, all combinations with the texts would fill the memory.
    pairs, joint = np.unique(texts * len(by_answer) + answers, return_counts=True)
    text, answer = np.divmod(pairs, len(by_answer))
    right = int(np.maximum.reduceat(joint, np.searchsorted(text, np.arange(len(by_text)))).sum())
    independent = by_text[text] * by_answer[answer]
    bits = 0.0
    if len(pairs) < len(by_text) * len(by_answer) or not np.array_equal(joint * rows, independent):
        bits = round(float((joint / rows * np.log2(joint * rows / independent)).sum()), 6)
    return {"view": view, "texts": len(by_text), **_fraction(right, rows), "mutual_information_bits": bits}


def bound_of(view: str, seen: Sequence[Any], answers: Sequence[Any]) -> dict[str, Any]:
    """Return the bound of a reader who sees one value of each row, as in `bound`."""
    return bound(view, _codes(seen), _codes(answers))


def _fraction(right: int, rows: int) -> dict[str, Any]:
    return {"numerator": right, "denominator": rows, "reduced": str(Fraction(right, rows))}


def _joint(texts: Codes, answers: Codes, n_texts: int, n_answers: int) -> NDArray[np.int64]:
    return np.bincount(texts * n_answers + answers, minlength=n_texts * n_answers).reshape(n_texts, n_answers)


def _codes(values: Sequence[Any]) -> Codes:
    return np.asarray(pd.factorize(np.array([*values, None], object)[:-1], use_na_sentinel=False)[0], np.int64)


def _factors(table: Mapping[str, list[Any]]) -> dict[str, Factor]:
    """Return every column with levels as a factor, and the factors derived from several columns."""
    factors = {}
    for name in table.keys() - NOT_FACTORS:
        codes = _codes(table[name])
        factors[name] = Factor(codes, int(codes.max()) + 1)
    if set(table.get("region", [None])) <= set(LABELS):
        factors["region"] = Factor(np.array([LABELS.index(label) for label in table["region"]]), len(LABELS))
    factors |= _cells(table)
    if all(table["options"]):
        factors |= _slots(table["options"], table["answer"])
        if table["answer"] != table.get("region"):
            for name in ("answer", "question"):
                codes = _codes(table[name])
                factors[name] = Factor(codes, int(codes.max()) + 1)
    return factors


def _cells(table: Mapping[str, list[Any]]) -> dict[str, Factor]:
    """Return the factors of cells, if a table has integers for them."""
    rows, cols = table.get("cell_row", [None]), table.get("cell_col", [None])
    grids = set(table.get("grid", [GRID]))
    if len(grids) > 1 or not all(isinstance(index, int) for index in (*grids, *rows, *cols)):
        return {}
    (grid,) = grids
    row, col = np.array(rows), np.array(cols)
    if min(*rows, *cols) < 0 or max(*rows, *cols) >= grid:
        return {}
    factors = {
        "cell_row": Factor(row, grid),
        "cell_col": Factor(col, grid),
        "cell": Factor(row * grid + col, grid**2),
    }
    if grid % REGIONS == 0:
        side = grid // REGIONS
        factors["inner_cell"] = Factor(row % side * side + col % side, side**2)
    return factors


def _slots(options: Sequence[Sequence[str]], answers: Sequence[str]) -> dict[str, Factor]:
    labels = {
        label: code for code, label in enumerate(sorted({*answers, *(label for row in options for label in row)}))
    }
    slot, before, after = np.array([
        (slot, *(_step(row, neighbor, labels, labels[answer]) for neighbor in (slot - 1, slot + 1)))
        for row, answer in zip(options, answers, strict=True)
        for slot in [row.index(answer)]
    ], np.int64).T  # fmt: skip
    longest = max(map(len, options))
    return {"slot": Factor(slot, longest), "before": Factor(before, len(labels)), "after": Factor(after, len(labels))}


def _step(options: Sequence[str], slot: int, labels: Mapping[str, int], answer: int) -> int:
    """Return a neighbor's code: its distance from the answer among the labels; 0 for no neighbor.

    No option is its own neighbor: with one code per label, one combination in ten would be impossible.
    """
    return (labels[options[slot]] - answer) % len(labels) if 0 <= slot < len(options) else 0


def _tuples(factors: Mapping[str, Factor], rows: int) -> list[tuple[str, ...]]:
    """Return the tuples of `MARGINALS` that apply to a table, then each other factor alone, by slot and by region."""
    known = {name for names in MARGINALS for name in names}
    others = sorted(name for name, factor in factors.items() if name not in known and 1 < factor.levels <= rows**0.5)
    further = [names for name in others for names in ((name,), (name, "slot"), (name, "region"))]
    return [names for names in (*MARGINALS, *further) if all(name in factors for name in names)]


def _marginal(names: Sequence[str], factors: Mapping[str, Factor]) -> dict[str, Any]:
    """Return the row counts of every combination of levels, including combinations that do not occur."""
    codes, levels = zip(*(factors[name] for name in names), strict=True)
    expected = int(np.prod(levels))
    counts = np.unique(np.ravel_multi_index(codes, levels), return_counts=True)[1]
    low, high = int(counts.min()) if len(counts) == expected else 0, int(counts.max())
    return {
        "factors": list(names),
        "levels_expected": expected,
        "levels_found": len(counts),
        "min": low,
        "max": high,
        "mean": str(Fraction(int(counts.sum()), expected)),
        "exact": low == high,
    }


def _text_only(table: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the bound of every view of the text; the last reader sees no text and always answers the same slot."""
    answers = _codes(table["answer"])
    views = {"prompt": table["prompt"], "question": table["question"], "nothing": [""] * len(answers)}
    if all(table["options"]):
        views |= {
            "options": ["\n".join(options) for options in table["options"]],
            "first option": [options[0] for options in table["options"]],
            "last option": [options[-1] for options in table["options"]],
        }
    bounds = [bound(view, _codes(texts), answers) for view, texts in views.items()]
    if all(table["options"]):
        slots = Counter(
            options.index(answer) for options, answer in zip(table["options"], table["answer"], strict=True)
        )
        bounds.append({"view": "always the same slot", "texts": 1, **_fraction(max(slots.values()), len(answers))})
    return bounds


def _orders(table: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return counts over the distinct option orders: of options by slot, by neighbor, and by predecessor."""
    orders = sorted(set(map(tuple, table["options"])))
    labels = sorted(set(orders[0]))
    stated: dict[str, Any] = {"found": len(orders)}
    if any(sorted(order) != labels for order in orders):
        return stated
    slots = np.array([[order.index(label) for label in labels] for order in orders])
    apart = slots[:, None, :] - slots[:, :, None]
    off_diagonal = ~np.eye(len(labels), dtype=bool)
    counts = {
        "option_in_slot": np.array([(slots == slot).sum(axis=0) for slot in range(len(labels))]),
        "option_right_after_another": (apart == 1).sum(axis=0)[off_diagonal],
        "option_anywhere_after_another": (apart > 0).sum(axis=0)[off_diagonal],
    }
    return stated | {name: {"min": int(count.min()), "max": int(count.max())} for name, count in counts.items()}


def _distractors(scenes: Sequence[Sequence[Mapping[str, Any]]], grids: Sequence[int], answers: Codes) -> dict[str, Any]:
    """Return the information of one distractor's region about the answer: a cue if distractors avoid the target's."""
    pairs = np.array([
        [*(region_of_cell(Cell(thing["row"], thing["col"]), grid) for thing in (distractor, things[0])), answer]
        for things, grid, answer in zip(scenes, grids, answers, strict=True)
        for distractor in things[1:]
    ])  # fmt: skip
    return {
        "distractors": len(pairs),
        "in_the_targets_region": int((pairs[:, 0] == pairs[:, 1]).sum()),
        "seeing_one": bound("the region of one distractor", pairs[:, 0], pairs[:, 2]),
    }
