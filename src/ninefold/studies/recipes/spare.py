"""SpaRE (Ogezi and Shi 2025): training on pairs from captions with its settings, and the search that chose them."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ninefold.data.sources.benchmarks.catalog import BENCHMARKS
from ninefold.data.sources.catalog import SOURCES
from ninefold.data.sources.descriptions import DescriptionsSpec
from ninefold.models.spec import ModelSpec
from ninefold.studies.description import Condition, Study, StudyModel, Test

COMMON: Mapping[str, Any] = MappingProxyType(
    {"epochs": 2, "batch": 64, "warmup_steps": 1000, "schedule": "cosine", "clip": 1.0, "dropout": 0.1}
)
"""Settings of both models (section 4, Tables 5 and 6)."""

SETTINGS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "2b": MappingProxyType({**COMMON, "method": "full", "optimizer": "adamw-8bit", "learning_rate": 3e-5}),
        "7b": MappingProxyType({**COMMON, "method": "lora", "optimizer": "adamw", "learning_rate": 1e-4}),
    }
)
"""The selected settings: of the 2B all weights are trained; of the 7B LoRA, whose rank, scale and modules the paper
does not state."""

MODELS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"2b": ("Qwen2VL-2B", "Qwen/Qwen2-VL-2B-Instruct"), "7b": ("Qwen2VL-7B", "Qwen/Qwen2-VL-7B-Instruct")}
)
"""Name in the paper's tables, and hub id."""

_TRIED: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "batch": (32, 64),
        "epochs": (1, 2, 3),
        "optimizer": ("adamw", "adamw-8bit"),
        "warmup_steps": (500, 1000, 1500),
        "dropout": (0.0, 0.1),
        "schedule": ("linear", "cosine", "constant"),
    }
)

TRIED: Mapping[str, Mapping[str, Sequence[Any]]] = MappingProxyType(
    {
        "2b": MappingProxyType({"learning_rate": (1e-5, 3e-5), **_TRIED}),
        "7b": MappingProxyType({"learning_rate": (3e-4, 1e-4), **_TRIED}),
    }
)
"""The values tried of each setting (Tables 5 and 6); "fixed" of the paper's schedules is "constant"."""


def spare_2b(
    pairs: Path = Path("pairs"),
    benchmarks: Path = Path("benchmarks"),
    conversations: bool = False,
    allow_missing: bool = False,
    seeds: int = 5,
) -> Study:
    """SpaRE-2B: Qwen2-VL-2B, all weights trained on pairs, and on the captions they were made from; five benchmarks.

    Args:
        pairs: Folder of the pairs, made by `ninefold captions run` from captions with their images.
        benchmarks: Folder with a subfolder for each benchmark to test on: vsr, whatsup, 3dsrbench, realworldqa.
        conversations: Whether all pairs of an image are one example, which the paper does not state.
        allow_missing: Whether rows of benchmarks whose image is not there are left out.
        seeds: Number of seeds; five in the paper.
    """
    return _spare("2b", pairs, benchmark_tests(benchmarks, allow_missing=allow_missing), conversations, seeds)


def spare_7b(
    pairs: Path = Path("pairs"),
    benchmarks: Path = Path("benchmarks"),
    conversations: bool = False,
    allow_missing: bool = False,
    seeds: int = 5,
) -> Study:
    """SpaRE-7B: Qwen2-VL-7B, LoRA trained on pairs, and on the captions they were made from; five benchmarks.

    Args:
        pairs: Folder of the pairs, made by `ninefold captions run` from captions with their images.
        benchmarks: Folder with a subfolder for each benchmark to test on: vsr, whatsup, 3dsrbench, realworldqa.
        conversations: Whether all pairs of an image are one example, which the paper does not state.
        allow_missing: Whether rows of benchmarks whose image is not there are left out.
        seeds: Number of seeds; five in the paper.
    """
    return _spare("7b", pairs, benchmark_tests(benchmarks, allow_missing=allow_missing), conversations, seeds)


def spare_2b_search(
    pairs: Path = Path("pairs"),
    held_out: Path = Path("held-out"),
    rows: int | None = 200_000,
    whole: bool = False,
    conversations: bool = False,
) -> Study:
    """SpaRE-2B's search (Table 5): each setting changed alone, or the whole grid of 432, tested on held-out pairs.

    Args:
        pairs: Folder of the pairs to train on.
        held_out: Folder of other pairs, with a split "test", on which settings are compared.
        rows: Number of pairs to train on; none for all. Steps of the warm-up are up to 1,500 of 64 pairs.
        whole: Whether every combination is trained; by default each value beside the selected settings.
        conversations: Whether all pairs of an image are one example.
    """
    return _search("2b", pairs, held_out, {"conversations": conversations, "limit": rows}, whole=whole)


def spare_7b_search(
    pairs: Path = Path("pairs"),
    held_out: Path = Path("held-out"),
    rows: int | None = 200_000,
    whole: bool = False,
    conversations: bool = False,
) -> Study:
    """SpaRE-7B's search (Table 6): each setting changed alone, or the whole grid of 432, tested on held-out pairs.

    Args:
        pairs: Folder of the pairs to train on.
        held_out: Folder of other pairs, with a split "test", on which settings are compared.
        rows: Number of pairs to train on; none for all. Steps of the warm-up are up to 1,500 of 64 pairs.
        whole: Whether every combination is trained; by default each value beside the selected settings.
        conversations: Whether all pairs of an image are one example.
    """
    return _search("7b", pairs, held_out, {"conversations": conversations, "limit": rows}, whole=whole)


def _spare(size: str, pairs: Path, tests: Sequence[Test], conversations: bool, seeds: int) -> Study:
    return Study(
        f"spare-{size}",
        f"SpaRE at {size.upper()}: what do pairs from captions teach about space, beside the captions themselves?",
        models=[_model(size)],
        conditions=[
            Condition("pairs", "Pairs (SpaRE)", (pairs,), {"conversations": conversations}),
            # Table 4's baseline.
            Condition("captions", "Captions", (DescriptionsSpec(pairs, embed=False),)),
        ],
        tests=tests,
        seeds=range(seeds),
    )


def _search(size: str, pairs: Path, held_out: Path, options: Mapping[str, Any], *, whole: bool) -> Study:
    return Study(
        f"spare-{size}-search",
        f"SpaRE at {size.upper()}: which settings of training are best on held-out pairs?",
        models=[_model(size)],
        conditions=[_compared(changed, pairs, options) for changed in settings_tried(size, whole=whole)],
        # Answers of pairs are phrases.
        tests=[Test("held-out", "Held-out pairs", held_out, options={"max_new_tokens": 64})],
        seeds=(0,),
    )


def settings_tried(size: str, *, whole: bool) -> list[dict[str, Any]]:
    """Return the settings of each training of a search: those that differ from the selected ones.

    Args:
        size: The model, "2b" or "7b".
        whole: Whether all combinations are named; otherwise the selected settings, and each with one value changed.
    """
    chosen, tried = SETTINGS[size], TRIED[size]
    if whole:
        combined = [dict(zip(tried, values, strict=True)) for values in product(*tried.values())]
        return [{name: value for name, value in each.items() if value != chosen[name]} for each in combined]
    return [{}, *({name: value} for name, values in tried.items() for value in values if value != chosen[name])]


_SHORT = {"learning_rate": "lr", "batch": "b", "epochs": "e", "warmup_steps": "w", "dropout": "d"}
"""Short names of settings with numbers, for paths; those with words are told by them."""


def _compared(changed: Mapping[str, Any], pairs: Path, options: Mapping[str, Any]) -> Condition:
    """Return the condition of a search that changes some settings."""
    name = "-".join(f"{_SHORT[key]}{value:g}" if key in _SHORT else value for key, value in changed.items())
    title = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in changed.items())
    return Condition(name or "selected", title or "Selected", (pairs,), {**changed, **options}, group="search")


def benchmark_tests(folder: Path, *, allow_missing: bool = False) -> list[Test]:
    """Return a test for each native benchmark that a folder has a subfolder of, named after its source.

    If it has none, all are returned: the check of the study then says what is missing.
    """
    known = [each for each in BENCHMARKS.values() if not each.variant]
    found = [each for each in known if (folder / each.source).is_dir()]
    return [
        Test(
            each.name,
            each.title,
            SOURCES[each.source].spec_type(folder / each.source, allow_missing=allow_missing, **each.options),
        )
        for each in found or known
    ]


def _model(size: str) -> StudyModel:
    title, name = MODELS[size]
    return StudyModel(title, ModelSpec(name, dtype="bfloat16"), options=dict(SETTINGS[size]))
