"""The catalog of native benchmarks by the name that `ninefold evaluate --benchmark` takes; no heavy imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from ninefold.errors import DesignError


@dataclass(frozen=True)
class Benchmark:
    """A public benchmark that is asked and scored here."""

    name: str
    """Name in commands and records."""
    title: str
    """Name in tables."""
    source: str
    """Name of its source (see `ninefold.data.sources.catalog`)."""
    files: str
    """The official files that its folder must hold, in one line."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the source's specification, besides the folder."""
    variant: bool = False
    """Whether it is another one in another form of the prompt; recipes of studies leave it out."""


def _vsr(split: str, form: str) -> Benchmark:
    """Return VSR with a form of the prompt; that of SpaRE, true or false, needs no name."""
    files = f"splits/{split}/test.jsonl of cambridgeltl/visual-spatial-reasoning and COCO 2017's train and val images"
    variant = form != "true-false"
    name, title = (f"-{form}", " (yes or no)") if variant else ("", "")
    options = {"split": split, "prompt_form": form}
    return Benchmark(f"vsr-{split}{name}", f"VSR {split}{title}", "vsr", files, options, variant)


_ALL = (
    _vsr("zeroshot", "true-false"),
    _vsr("random", "true-false"),
    _vsr("zeroshot", "yes-no"),
    _vsr("random", "yes-no"),
    Benchmark("whatsup-a", "What's Up A", "whatsup", "controlled_images_dataset.json and its images", {"subset": "A"}),
    Benchmark("whatsup-b", "What's Up B", "whatsup", "controlled_clevr_dataset.json and its images", {"subset": "B"}),
    Benchmark("3dsrbench", "3DSRBench", "3dsrbench", "3dsrbench_v1_vlmevalkit_circular.tsv, which holds the images"),
    Benchmark("realworldqa", "RealWorldQA", "realworldqa", "data/*.parquet of xai-org/RealworldQA or RealWorldQA.tsv"),
)

BENCHMARKS: Mapping[str, Benchmark] = MappingProxyType({each.name: each for each in _ALL})
"""The benchmarks by name, in the order of tables."""


def find_benchmark(name: str) -> Benchmark:
    """Return a benchmark by name.

    Raises:
        DesignError: If there is none; the message lists all.
    """
    if name not in BENCHMARKS:
        near = get_close_matches(name, BENCHMARKS, n=2, cutoff=0.4) or [f"lmms:{name}"]
        hint = f"; did you mean {' or '.join(near)}?"
        raise DesignError(
            f"--benchmark {name}: no benchmark of this name{hint} known: {', '.join(BENCHMARKS)}, lmms:NAME"
        )
    return BENCHMARKS[name]


def name_of(source: str, spec: Mapping[str, Any]) -> Benchmark | None:
    """Return the benchmark that a source makes from a specification, as its manifest has it; None if it is none."""
    return next(
        (
            benchmark
            for benchmark in BENCHMARKS.values()
            if benchmark.source == source and all(spec.get(name) == value for name, value in benchmark.options.items())
        ),
        None,
    )
