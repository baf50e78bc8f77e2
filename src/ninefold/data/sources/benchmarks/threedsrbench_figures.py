"""The four protocols of 3DSRBench, over all rows and in each category and area."""

from typing import Any

import pandas as pd

from ninefold.analysis.grouped import all_right, rate
from ninefold.data.sources.benchmarks.threedsrbench_rows import Qid


def figures(table: pd.DataFrame) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of a score table (see `ThreeDsrBenchSource.measures`)."""
    qids = [Qid.of(name) for name in table["id"]]
    table = table.assign(
        flips=[qid and qid.flips for qid in qids],
        circle=[qid and qid.circle for qid in qids],
        base=[qid and qid.base for qid in qids],
    )
    has_flips, has_rotations = bool(table["flipped"].any()), bool((table["rotation"] > 0).any())

    def of(rows: pd.DataFrame) -> dict[str, Any]:
        def share(group: str, sizes: str, *, is_asked: bool) -> dict[str, Any]:
            asked = rows if is_asked else rows[:0]
            return all_right(asked["correct"], asked[group], asked[sizes], asked["group"])

        return {
            "vanilla": rate(rows["correct"], rows["group"]),
            "flip": share("flips", "flip_rows", is_asked=has_flips),
            "circular": share("circle", "circular_rows", is_asked=has_rotations),
            "flip_circular": share("base", "question_rows", is_asked=has_flips and has_rotations),
        }

    by = {factor: {str(name): of(part) for name, part in table.groupby(factor)} for factor in ("area", "category")}
    return of(table), by
