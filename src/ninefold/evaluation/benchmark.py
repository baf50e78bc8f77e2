"""The benchmark of an evaluation: its data set, made in the run folder, its record, and its figures.

No heavy imports here: a finished run is found in a fraction of a second.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold import console, store
from ninefold.data.format.dataset import TEST, Dataset
from ninefold.data.format.manifest import KIND
from ninefold.data.make import make_once
from ninefold.data.sources.benchmarks.catalog import find_benchmark, name_of
from ninefold.data.sources.catalog import SOURCES
from ninefold.data.sources.protocol import FOUND, Source, is_benchmark
from ninefold.errors import DataError, RunError
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.output import strange_path
from ninefold.runs import layout
from ninefold.runs.folder import read_spec
from ninefold.runs.metrics import SCORER_VERSION
from ninefold.runs.record import read_part
from ninefold.runs.shape import BenchmarkFigures, Prepared

if TYPE_CHECKING:
    import pandas as pd

_BUDGET = ("size", "crop", "pixel", "tile", "patch", "grid", "pinpoints", "resize")
"""Parts of the names of an image processor's settings that bound the pixels of an image."""


def made(spec: EvaluateSpec, out: Path, *, overwrite: bool = False, progress: bool = True) -> EvaluateSpec:
    """Make the data set of a benchmark in a run folder, and return the evaluation of that data set.

    One that is there already is used again, if the official files are the same.

    Raises:
        DataError: If official files or images are missing, or another benchmark is there and not ``overwrite``.
        RunError: If another run is there.
    """
    source, folder = source_of(spec), out / layout.BENCHMARK
    if (out / layout.SPEC).exists() and not folder.exists():
        kind = read_spec(out).get("kind")
        if not (overwrite and kind == "evaluation"):
            how = ", or replace it with --overwrite" if kind == "evaluation" else ""
            raise RunError(f"{out}: holds a run of something else than this benchmark; choose another --out{how}")
    make_once(source, folder, overwrite=overwrite, progress=progress)
    return replace(spec, data=folder, benchmark=None, benchmark_dir=None, allow_missing=False)


def drop(out: Path, asked: Path | None = None) -> None:
    """Remove the data set of a benchmark from the run folder of an evaluation that asks another one.

    One that files of somebody else were put into stays.

    Args:
        out: The run folder, locked.
        asked: Folder of the data set that is asked; None for none.
    """
    from ninefold.data.format.writing import discard

    folder = out / layout.BENCHMARK
    if asked is not None and asked.resolve() == folder.resolve():
        return
    discard(folder)
    if not folder.is_dir():
        return
    strange = strange_path(folder, KIND.files)
    if strange is None:
        store.remove_folder(folder)
    else:
        console.warn(f"{folder}: is no part of this run, and stays because of {strange.name}")


def source_of(spec: EvaluateSpec) -> Source:
    """Return the source of the benchmark that an evaluation names; images on disk are not copied."""
    benchmark = find_benchmark(str(spec.benchmark))
    kind = SOURCES[benchmark.source]
    known = {field.name for field in fields(kind.spec_type)}
    options = {"allow_missing": spec.allow_missing, "embed": False}
    asked = {name: value for name, value in options.items() if name in known}
    if spec.allow_missing and "allow_missing" not in known:
        raise DataError(f"--allow-missing: the images of {benchmark.title} are in its file; leave it out")
    return kind(kind.spec_type(directory=spec.benchmark_dir, **asked, **benchmark.options))


def benchmark_of(data: Dataset) -> Mapping[str, Any] | None:
    """Return the record of the benchmark that a data set holds (see `EvaluatedData.benchmark`); None if it is none."""
    kind = SOURCES.get(data.source)
    if kind is None or not is_benchmark(kind):
        return None
    spec = data.manifest.spec
    found = dict(spec.get(FOUND, {}))
    if "official_rows" in found:
        found["missing"] = found["official_rows"] - data.splits[TEST]
    known = name_of(data.source, spec)
    name, title = (data.source, data.source) if known is None else (known.name, known.title)
    return {
        "name": name,
        "title": title,
        "source": data.source,
        "prompt": str(spec.get("prompt", found.get("prompt", ""))),
        **found,
    }


def figures(table: "pd.DataFrame", spec: Mapping[str, Any], run: Path) -> BenchmarkFigures | None:
    """Return the figures of a benchmark with the conditions under which they hold; None for another data set.

    Args:
        table: The score table.
        spec: Content of the run's ``spec.json``.
        run: The run folder.

    Raises:
        DataError: If the source that computes them is not known here.
    """
    data = spec.get("data", {})
    record: Mapping[str, Any] | None = data.get("benchmark")
    if record is None:
        return None
    if "kit" in record:
        from ninefold.evaluation.lmms.figures import figures as of_kit

        return of_kit(table, {**record, "limit": data.get("limit")}, run)
    kind = SOURCES.get(record["source"])
    measures, by = (kind.measures(table) if kind is not None and is_benchmark(kind) else None) or (None, {})
    if measures is None:
        raise DataError(f"{run}: its benchmark {record['source']!r} is not known here; load it with --plugin FILE")
    told = {key: value for key, value in record.items() if key not in {"name", "title", "source", "revision", "shown"}}
    return {
        "name": record["name"],
        "title": record["title"],
        "main": next(iter(measures)),
        "measures": measures,
        "by": by,
        "conditions": {
            "data_revision": record.get("revision"),
            **told,
            "pixel_budget": pixel_budget(run / layout.SEES),
            "decoding": _decoding(spec),
            "parser": f"ninefold scorer {SCORER_VERSION}",
            "unread": float((table["kind"] != "label").mean()),
            "rows": len(table),
        },
    }


def _decoding(spec: Mapping[str, Any]) -> str:
    if spec.get("scoring") == "choice":
        return "most likely option"
    return f"greedy, at most {spec.get('max_new_tokens')} tokens"


def pixel_budget(path: Path) -> str | None:
    """Return the settings of the image processor that bound the pixels of an image; None if they are unknown.

    Args:
        path: The record of the image processor's settings.
    """
    if not path.exists():
        return None
    settings: Mapping[str, Any] = read_part(path, Prepared)["settings"]
    told = {name: value for name, value in settings.items() if any(part in name for part in _BUDGET)}
    return ", ".join(f"{name} {_plain(value)}" for name, value in sorted(told.items())) or None


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={item}" for key, item in value.items() if item is not None)
    return str(value)
