"""The run folder of a specification: begun, continued, or found finished."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.errors import RunError
from ninefold.runs import layout
from ninefold.runs.outcome import outcome, run_id
from ninefold.runs.records import Status

_NO_SPEC = "not readable as the specification of a run; delete the folder, or choose another"


def open_run(folder: Path, spec: Mapping[str, Any]) -> bool:
    """Make or reopen the run folder of a specification.

    Args:
        folder: The run folder. A run of the same specification is resumed. A run of another one is refused, to keep
            their results apart, unless it failed before it had any result.
        spec: Everything that changes the outcome and nothing else, in JSON types.

    Returns:
        Whether the run is already done.

    Raises:
        RunError: If the folder belongs to another specification, or holds other files.
    """
    check_run(folder, spec)
    if not is_run_of(folder, spec):
        for name in (layout.PREDICTIONS_LINES, f"{layout.CHECKPOINTS}/{layout.PLAN}"):
            (folder / name).unlink(missing_ok=True)
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
        RunError: If it is not the specification of a run.
    """
    path = folder / layout.SPEC
    try:
        found: dict[str, Any] = store.read_json(path)
    except RunError as error:
        raise RunError(f"{path}: {_NO_SPEC}") from error
    if "id" not in found:
        raise RunError(f"{path}: {_NO_SPEC}")
    return found


def check_run(folder: Path, spec: Mapping[str, Any]) -> None:
    """Refuse a folder that cannot become the run folder of a specification.

    Raises:
        RunError: If it belongs to another specification, or holds other files.
    """
    names = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    # Temporary files left by a crash do not count.
    names = {name for name in names if not name.startswith((f".{layout.SPEC}.", f".{layout.STATUS}."))}
    if layout.SPEC not in names:
        if names - {layout.LOCK}:
            raise RunError(f"{folder}: not empty and not a run of ninefold; choose another --out")
        return
    if is_run_of(folder, spec):
        return
    names = {name for name in names if not _is_empty(folder / name)}
    if names <= {layout.SPEC, layout.STATUS, layout.LOCK} and Status.read(folder).state == "failed":
        return
    found, asked = outcome(read_spec(folder)), outcome(spec)
    changed = sorted(key for key in {*asked, *found} if _differs(asked.get(key), found.get(key)))
    raise RunError(
        f"{folder}: holds a run with other settings ({', '.join(changed)}); choose another --out, or delete it"
    )


def _has_results(folder: Path, spec: Mapping[str, Any]) -> bool:
    """Whether the results of a run are there, without which it is not finished, whatever its status says."""
    needed: tuple[str, ...] = ()
    if spec.get("kind") == "evaluation":
        needed = (layout.PREDICTIONS,)  # The scores follow from them.
    elif spec.get("kind") == "training":
        needed = (layout.METRICS, f"{layout.ADAPTER}/{layout.ADAPTER_WEIGHTS}" if spec.get("lora") else layout.MODEL)
    return all((folder / name).exists() for name in needed)


def _is_empty(path: Path) -> bool:
    """Whether a file of a run was begun but holds no result yet."""
    if path.name == layout.PREDICTIONS_LINES:
        return path.stat().st_size == 0
    return path.name == layout.CHECKPOINTS and {each.name for each in path.iterdir()} <= {layout.PLAN}


def _differs(one: Any, other: Any) -> bool:
    return store.canonical_json(one) != store.canonical_json(other)
