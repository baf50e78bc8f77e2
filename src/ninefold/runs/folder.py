"""The run folder of a specification: begun, continued, or found finished."""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import RunError
from ninefold.output import check_inputs, check_own
from ninefold.runs import layout
from ninefold.runs.outcome import changes, run_id
from ninefold.runs.records import Status

_NAMES = {
    *(layout.SPEC, layout.STATUS, layout.DONE, layout.LOCK, layout.README, layout.PROVENANCE, layout.METRICS),
    *(layout.SEES, layout.REQUESTS, layout.PREDICTIONS_LINES, layout.PREDICTIONS, layout.SCORES, layout.HISTORY),
    *(layout.PROBES, layout.STATES, layout.LMMS),
    *(layout.PRETRAINING_STATE, layout.PRETRAINING_LOG),
    *(layout.ADAPTER, layout.MODEL, layout.BASE, layout.CHECKPOINTS),
}
"""Files and folders that ninefold writes into a run folder."""

_FILES = re.compile(
    "|".join(map(re.escape, sorted(_NAMES)))
    + rf"|{layout.BENCHMARK}(/.*)?|\.{layout.BENCHMARK}\.(lock|partial)(/.*)?"
    + rf"|({layout.CHECKPOINTS}|{layout.LMMS})/.*|{layout.STATES}/\d{{5}}\.safetensors"
    + rf"|({layout.ADAPTER}|{layout.MODEL}|{layout.BASE})"
    + r"/(README\.md|merges\.txt|vocab\.txt|[^/]+\.(json|jinja|safetensors|model))"
)
"""Paths of its own files, relative to a run folder."""

_NO_SPEC = "not readable as the specification of a run; delete the folder, or choose another"


def open_run(folder: Path, spec: Mapping[str, Any], *, overwrite: bool = False) -> bool:
    """Make or reopen the run folder of a specification.

    Args:
        folder: The run folder. A run of the same specification is resumed. A run of another one is refused, to keep
            their results apart, unless it has no result yet.
        spec: Everything that changes the outcome and nothing else, in JSON types.
        overwrite: Whether a run of the same kind with another specification is replaced.

    Returns:
        Whether the run is already done.

    Raises:
        RunError: If the folder belongs to another specification, or holds other files.
    """
    check_run(folder, spec, overwrite=overwrite)
    if not is_run_of(folder, spec):
        _clear(folder)
        store.write_json(folder / layout.SPEC, {"id": run_id(spec), **spec})
        return False
    return is_finished(folder, spec)


def is_finished(folder: Path, spec: Mapping[str, Any]) -> bool:
    """Whether a folder holds the finished run of a specification, with its results."""
    return is_run_of(folder, spec) and Status.read(folder).state == "done" and _has_results(folder, spec)


def is_run_of(folder: Path, spec: Mapping[str, Any]) -> bool:
    """Whether a folder holds a run, finished or not, of a specification; names of models and data sets may differ."""
    # The id is computed again, because earlier versions hashed names too.
    return (folder / layout.SPEC).exists() and run_id(read_spec(folder)) == run_id(spec)


def read_spec(folder: Path) -> dict[str, Any]:
    """Return the content of a run's ``spec.json``.

    Raises:
        RunError: If it is not the specification of a run, or was edited.
    """
    path = folder / layout.SPEC
    try:
        found: dict[str, Any] = store.read_json(path)
    except RunError as error:
        raise RunError(f"{path}: {_NO_SPEC}") from error
    if "id" not in found:
        raise RunError(f"{path}: {_NO_SPEC}")
    # Earlier versions hashed the names of models and data sets too.
    if found["id"] not in (run_id(found), store.content_id({key: found[key] for key in found if key != "id"})):
        raise RunError(f"{path}: was edited after the run began, so its results may be of other settings; undo that")
    return found


def check_place(folder: Path, inputs: Iterable[Path] = ()) -> None:
    """Refuse a path that cannot become a run folder, whatever the specification.

    Args:
        folder: The path.
        inputs: The files and folders that the run reads.

    Raises:
        RunError: If there are files of somebody else, or an input of the run.
    """
    check_inputs(folder, inputs)
    names = {entry.name for entry in folder.iterdir() if not _is_left_over(entry)} if folder.exists() else set()
    if layout.SPEC not in names and names - {layout.LOCK, layout.BENCHMARK}:
        raise RunError(f"{folder}: not empty and not a run of ninefold; choose another --out")


def check_run(folder: Path, spec: Mapping[str, Any], *, overwrite: bool = False) -> None:
    """Refuse a folder that cannot become the run folder of a specification.

    Raises:
        RunError: If it belongs to another specification and would lose results, or holds other files.
    """
    check_place(folder)
    if not (folder / layout.SPEC).exists() or is_run_of(folder, spec):
        return
    if all(_is_empty(entry) for entry in folder.iterdir()):
        return
    found = read_spec(folder)
    kinds = [str(one.get("kind", "pretraining")) for one in (found, spec)]
    if kinds[0] != kinds[1]:
        raise RunError(f"{folder}: holds a run of another kind ({kinds[0]}, asked {kinds[1]}); choose another --out")
    if overwrite:
        check_own(folder, "run", _FILES)
        return
    changed = changes(found, spec)
    raise RunError(
        f"{folder}: holds a run with other settings ({changed}); choose another --out, or replace it with --overwrite"
    )


def _has_results(folder: Path, spec: Mapping[str, Any]) -> bool:
    """Whether the results of a run are there, without which it is not finished, whatever its status says."""
    needed: tuple[str, ...] = ()
    if spec.get("kind") == "evaluation":
        needed = (layout.PREDICTIONS,)  # The scores follow from them.
    elif spec.get("kind") == "probe":
        needed = (layout.PROBES, layout.METRICS)
    elif spec.get("kind") == "training":
        needed = (layout.METRICS, f"{layout.ADAPTER}/{layout.ADAPTER_WEIGHTS}" if spec.get("lora") else layout.MODEL)
    return all((folder / name).exists() for name in needed)


def _is_empty(path: Path) -> bool:
    """Whether an entry of a run folder holds no result."""
    if path.name == layout.PREDICTIONS_LINES:
        return path.stat().st_size == 0
    if path.name == layout.CHECKPOINTS:
        return {each.name for each in path.iterdir() if not store.is_temporary(each)} <= {layout.PLAN}
    own = {layout.SPEC, layout.STATUS, layout.LOCK, layout.README, layout.BENCHMARK}
    return path.name in own or _is_left_over(path)


def _is_left_over(path: Path) -> bool:
    """Whether a file was left by a killed write; earlier versions named them in another way."""
    return store.is_temporary(path) or path.name.startswith(
        (f".{layout.SPEC}.", f".{layout.STATUS}.", f".{layout.BENCHMARK}.")
    )


def _clear(folder: Path) -> None:
    """Remove all that ninefold wrote into a run folder, except the specification, which is replaced next."""
    # The status goes first: cut off in between, the old run is no longer taken as finished.
    for name in (layout.STATUS, layout.DONE, *sorted(_NAMES - {layout.STATUS, layout.DONE, layout.SPEC, layout.LOCK})):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
