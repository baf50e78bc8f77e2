"""The numbers that Ogezi & Shi 2025 (SpaRE, arXiv 2504.20648) print in their Tables 3 and 4, as literal data.

Fractions are in percent as printed, the parts of MME in points. Six of the twelve printed averages are not the mean of
their row; both are given wherever they are shown.
"""

from collections.abc import Mapping
from typing import NamedTuple

CITATION = "Ogezi & Shi 2025 (SpaRE)"
"""Short name of the paper."""


class Spatial(NamedTuple):
    """A row of the first part of Table 3."""

    values: tuple[float | None, ...]
    """VSR, What's Up A, What's Up B, 3DSRBench, RealWorldQA; None where nothing is printed."""
    average: float
    """The average as printed."""

    @property
    def mean(self) -> float:
        """Return the mean of the values."""
        found = [value for value in self.values if value is not None]
        return sum(found) / len(found)


RANDOM, HUMAN = "random", "human estimate"
"""Names of the rows that are no model."""

SPATIAL: Mapping[str, Spatial] = {
    RANDOM: Spatial((50.0, 25.0, 25.0, 20.9, None), 30.2),
    HUMAN: Spatial((95.4, 100.0, 100.0, 95.7, None), 99.8),
    "SpaRE-2B": Spatial((80.8, 93.4, 95.1, 54.4, 63.5), 77.6),
    "Qwen2VL-2B": Spatial((70.3, 44.6, 79.1, 46.5, 58.6), 59.8),
    "InternVL2-2B": Spatial((68.7, 86.8, 84.7, 46.7, 57.4), 68.9),
    "SpaRE-7B": Spatial((85.4, 100.0, 100.0, 57.5, 68.8), 82.3),
    "Qwen2VL-7B": Spatial((82.3, 99.5, 99.3, 49.2, 67.7), 79.2),
    "InternVL2-8B": Spatial((73.1, 79.2, 94.4, 53.3, 64.4), 72.5),
    "LLaVA-NeXT-8B": Spatial((71.9, 93.6, 95.6, 51.1, 58.2), 74.1),
    "SpaceLLaVa": Spatial((65.9, 75.5, 75.6, 47.2, 48.4), 62.5),
    "GPT-4o-mini": Spatial((74.0, 75.0, 90.0, 39.1, 56.0), 66.4),
    "GPT-4o": Spatial((79.0, 100.0, 100.0, 45.3, 61.0), 77.9),
}
"""Table 3, spatial benchmarks, in percent."""

GENERAL: Mapping[str, tuple[float, ...]] = {
    "SpaRE-2B": (40.0, 71.6, 58.2, 79.2, 1467.9, 432.4, 108.5, 110.1, 39.5),
    "Qwen2VL-2B": (34.0, 72.0, 61.2, 75.0, 1490.7, 441.8, 112.5, 109.3, 42.5),
    "InternVL2-2B": (34.0, 71.4, 59.3, 73.5, 1442.2, 423.6, 92.5, 108.6, 45.0),
    "SpaRE-7B": (51.0, 78.6, 56.3, 80.5, 1661.4, 642.3, 145.5, 156.3, 127.5),
    "Qwen2VL-7B": (51.0, 79.9, 59.9, 81.7, 1667.3, 640.0, 152.5, 155.0, 132.5),
    "InternVL2-8B": (47.4, 80.9, 64.7, 77.6, 1649.6, 572.1, 152.5, 147.1, 87.5),
    "LLaVA-NeXT-8B": (46.7, 72.5, 39.0, 65.6, 1540.2, 308.6, 52.5, 118.6, 47.5),
    "SpaceLLaVa": (35.3, 66.5, 43.9, 32.4, 1411.8, 295.0, 47.5, 125.0, 72.5),
}
"""Table 3, general benchmarks: MMMU, MMBench, HallusionBench and TextVQA in percent; MME perception, reasoning, and of
the latter code, commonsense and numerical, in points."""

CAPTIONS: Mapping[str, tuple[str, float]] = {
    "SpaRE-7B": ("question-answer pairs from captions", 82.3),
    "Qwen2VL-7B": ("–", 79.2),
    "Molmo-7B-D": ("captions (PixMo-Cap)", 76.6),
}
"""Table 4: what a model was trained on, and its average over the spatial benchmarks."""
