"""The columns of SpaRE's Table 3, and which figure of which benchmark each one shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ninefold.runs.shape import BenchmarkFigures, Measure


@dataclass(frozen=True)
class Column:
    """A column of a table of benchmarks."""

    title: str
    """Its head."""
    benchmarks: tuple[str, ...]
    """Names of the benchmarks that it may show; the first one that was evaluated is."""
    measures: tuple[str, ...] = ()
    """Names of the figure in `BenchmarkFigures`, of the whole or of a part; empty for the main one."""
    points: float | None = None
    """Largest number of points; None for a figure that is a fraction."""

    @property
    def most(self) -> float:
        """Return its largest possible value."""
        return self.points or 1.0

    def chosen(self, known: Iterable[str]) -> str | None:
        """Return the benchmark that is shown, of those that were evaluated."""
        found = set(known)
        return next((name for name in self.benchmarks if name in found), None)

    def figure(self, found: BenchmarkFigures) -> Measure | None:
        """Return its figure; None where the benchmark has none of this name."""
        for name in self.measures or (found["main"],):
            if name in found["measures"]:
                return found["measures"][name]
        parts: list[Mapping[str, Mapping[str, Measure]]] = list(found["by"].values())
        for name in self.measures:
            for part in parts:
                figures = part.get(name, {})
                if figures:
                    return figures.get(found["main"]) or next(iter(figures.values()))
        return None


SPATIAL = (
    Column("VSR", ("vsr-zeroshot", "vsr-random")),
    Column("What's Up A", ("whatsup-a",)),
    Column("What's Up B", ("whatsup-b",)),
    Column("3DSRBench", ("3dsrbench",)),
    Column("RealWorldQA", ("realworldqa", "lmms:realworldqa")),
)
"""The spatial benchmarks."""

_MME = ("lmms:mme",)

GENERAL = (
    Column("MMMU", ("lmms:mmmu_val", "lmms:mmmu")),
    Column("MMBench", ("lmms:mmbench_en_dev_static", "lmms:mmbench_en_dev", "lmms:mmbench")),
    Column("HallusionBench", ("lmms:hallusion_bench_image", "lmms:hallusionbench")),
    Column("TextVQA", ("lmms:textvqa_val", "lmms:textvqa")),
    Column("MME perception", _MME, ("perception", "mme_perception_score"), 2000),
    Column("MME reasoning", _MME, ("cognition", "reasoning", "mme_cognition_score"), 800),
    Column("MME code", _MME, ("code_reasoning",), 200),
    Column("MME commonsense", _MME, ("commonsense_reasoning",), 200),
    Column("MME numerical", _MME, ("numerical_calculation",), 200),
)
"""The general benchmarks, which lmms-eval asks; what the paper calls MME's reasoning is cognition there."""
