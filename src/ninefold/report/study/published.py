"""The numbers that Rizzoli et al. 2025 (arXiv 2511.11440v2) print in their Tables 1 to 7, as literal data in percent.

The tables disagree with each other by one or two points on the same runs, hence one entry for each table.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Published(NamedTuple):
    """A number of the paper; all are fractions."""

    mean: float
    """Mean accuracy over five runs; the accuracy, for a base."""
    sd: float | None = None
    """Standard deviation over the runs, if the table prints it."""
    change: float | None = None
    """Change against the base, if the table prints it."""


def published(table: int, model: str, condition: str, test: str) -> Published | None:
    """Return what the paper prints in a table, given the title of the model and the names of condition and test."""
    return _NUMBERS.get((table, model, condition, test))


LLAVA_NEXT, ONEVISION, MOLMO, QWEN, CLIP = MODELS = ("LLaVA-NeXT", "LLaVA-OneVision", "Molmo", "Qwen2-VL", "CLIP")
"""Titles of the paper's models, in its order."""

_Key = tuple[str, str]
"""Names of a condition and a test."""

_TABLE_1: Mapping[str, tuple[int, int, int]] = {
    LLAVA_NEXT: (100, 1, 58),
    ONEVISION: (100, 0, 33),
    MOLMO: (96, 0, 34),
    QWEN: (99, 0, 38),
    CLIP: (100, 0, 88),
}
"""Tuned and tested on synthetic images: mean, deviation, change."""

_SYNTHETIC = (("synthetic", "synthetic"), ("synthetic", "coco"))
_COMPLETE = (("coco-complete", "synthetic"), ("coco-complete", "coco"))
_SUBSET = (("coco-subset", "synthetic"), ("coco-subset", "coco"))
_THREE = (("distractors-3", "synthetic"), ("distractors-3", "coco"))
_FIVE = (("distractors-5", "synthetic"), ("distractors-5", "coco"))
_BASES = (("base", "synthetic"), ("base", "coco"))

_CHANGES: Mapping[int, tuple[Sequence[_Key], Mapping[str, Sequence[tuple[int, int]]]]] = {
    2: (
        _SYNTHETIC + _COMPLETE,
        {
            LLAVA_NEXT: ((100, 58), (43, 13), (0, -42), (0, -30)),
            ONEVISION: ((100, 33), (65, 20), (11, -56), (26, -19)),
            MOLMO: ((96, 34), (58, 21), (4, -58), (6, -31)),
            QWEN: ((99, 38), (60, 21), (9, -52), (20, -19)),
            CLIP: ((100, 88), (22, 0), (11, -1), (36, 14)),
        },
    ),
    3: (
        _SUBSET,
        {
            LLAVA_NEXT: ((71, 29), (67, 37)),
            ONEVISION: ((77, 10), (64, 19)),
            MOLMO: ((80, 18), (45, 8)),
            QWEN: ((80, 19), (61, 22)),
            CLIP: ((13, 1), (36, 14)),
        },
    ),
    4: (
        _SYNTHETIC + _THREE + _FIVE,
        {
            LLAVA_NEXT: ((100, 58), (42, 12), (100, 58), (54, 24), (81, 39), (48, 18)),
            ONEVISION: ((100, 33), (65, 20), (100, 33), (60, 15), (100, 33), (60, 15)),
            MOLMO: ((96, 34), (57, 18), (95, 33), (60, 21), (97, 35), (65, 26)),
            QWEN: ((99, 38), (58, 20), (93, 32), (58, 20), (90, 29), (54, 16)),
            CLIP: ((100, 88), (22, 0), (11, -1), (22, 0), (11, -1), (28, 6)),
        },
    ),
}
"""Tables of means with changes: columns, and for each model mean and change of each column."""

_DEVIATIONS: Mapping[int, tuple[Sequence[_Key], Mapping[str, Sequence[tuple[int, ...]]]]] = {
    5: (
        _BASES + _SYNTHETIC + _COMPLETE,
        {
            LLAVA_NEXT: ((42,), (30,), (100, 1), (43, 17), (0, 0), (0, 0)),
            ONEVISION: ((67,), (45,), (100, 0), (65, 3), (11, 0), (26, 1)),
            MOLMO: ((62,), (37,), (96, 3), (58, 5), (4, 5), (6, 4)),
            QWEN: ((61,), (39,), (99, 0), (60, 4), (9, 4), (20, 8)),
            CLIP: ((12,), (22,), (100, 0), (22, 9), (11, 0), (36, 0)),
        },
    ),
    6: (
        _SUBSET,
        {
            LLAVA_NEXT: ((71, 10), (67, 2)),
            ONEVISION: ((77, 6), (64, 3)),
            MOLMO: ((80, 4), (45, 2)),
            QWEN: ((80, 5), (61, 4)),
            CLIP: ((13, 0), (36, 1)),
        },
    ),
}
"""Tables of means with deviations: columns, and for each model mean and deviation of each column."""

_Row = Sequence[tuple[int, ...]]

_TABLE_7: Mapping[str, tuple[_Row, _Row, _Row, _Row, _Row]] = {
    LLAVA_NEXT: (
        ((42,), (36,), (30,)),
        ((100, 1), (58, 21), (42, 16)),
        ((100, 0), (94, 3), (77, 6), (42, 16)),
        ((100, 0), (89, 7), (82, 0), (54, 6)),
        ((81, 23), (65, 22), (48, 21)),
    ),
    ONEVISION: (
        ((67,), (64,), (45,)),
        ((100, 0), (89, 3), (65, 3)),
        ((100, 0), (100, 1), (98, 2), (66, 3)),
        ((100, 0), (99, 1), (98, 1), (60, 6)),
        ((100, 0), (98, 1), (60, 9)),
    ),
    MOLMO: (
        ((62,), (59,), (39,)),
        ((96, 3), (93, 2), (57, 5)),
        ((96, 2), (95, 2), (91, 3), (60, 2)),
        ((95, 3), (93, 4), (92, 5), (60, 6)),
        ((97, 2), (92, 2), (65, 1)),
    ),
    QWEN: (
        ((61,), (53,), (38,)),
        ((99, 0), (92, 8), (58, 4)),
        ((98, 2), (98, 2), (93, 4), (59, 3)),
        ((93, 5), (93, 4), (92, 5), (58, 4)),
        ((90, 3), (88, 7), (54, 3)),
    ),
    CLIP: (
        ((12,), (11,), (22,)),
        ((100, 0), (15, 0), (22, 9)),
        ((25, 30), (25, 30), (16, 10), (14, 5)),
        ((11, 0), (11, 0), (11, 0), (22, 10)),
        ((11, 0), (11, 0), (28, 2)),
    ),
}
"""Mean and deviation by model, condition and test, in the order of `_TESTS_7`."""

_TESTS_7: Mapping[str, Sequence[str]] = {
    "base": ("synthetic", "synthetic-5", "coco"),
    "synthetic": ("synthetic", "synthetic-5", "coco"),
    "distractors-1": ("synthetic", "synthetic-1", "synthetic-5", "coco"),
    "distractors-3": ("synthetic", "synthetic-3", "synthetic-5", "coco"),
    "distractors-5": ("synthetic", "synthetic-5", "coco"),
}
"""Tests of each condition of Table 7; those with five distractors print their number twice."""


def _collected() -> dict[tuple[int, str, str, str], Published]:
    found = {}
    for model, (mean, sd, change) in _TABLE_1.items():
        found[1, model, "synthetic", "synthetic"] = Published(mean / 100, sd / 100, change / 100)
    for table, (columns, rows) in _CHANGES.items():
        for model, numbers in rows.items():
            for key, (mean, change) in zip(columns, numbers, strict=True):
                found[table, model, *key] = Published(mean / 100, change=change / 100)
    for table, (columns, printed) in _DEVIATIONS.items():
        for model, row in printed.items():
            for key, both in zip(columns, row, strict=True):
                found[table, model, *key] = Published(*(number / 100 for number in both))
    for model, by_condition in _TABLE_7.items():
        for (condition, tests), row in zip(_TESTS_7.items(), by_condition, strict=True):
            for test, both in zip(tests, row, strict=True):
                found[7, model, condition, test] = Published(*(number / 100 for number in both))
    return found


_NUMBERS = _collected()
