"""The export of an adapter: a folder in the form of another program, compared with the adapter before it is there.

No heavy imports here: a finished export is found, and an impossible one refused, in a fraction of a second.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ninefold import console, store
from ninefold.errors import ModelError, RunError
from ninefold.models import identity
from ninefold.models.checkpoint.files import CONFIG, read_object
from ninefold.models.checkpoint.fingerprint import checkpoint_files, with_adapter
from ninefold.models.checkpoint.messages import explained
from ninefold.models.compute.device import check_device
from ninefold.models.export.difference import Difference
from ninefold.models.export.source import Tuned
from ninefold.models.export.spec import AdapterExportSpec, AdapterForm
from ninefold.models.export.vllm import Serving, serving
from ninefold.models.families import FAMILIES, GENERIC, find
from ninefold.output import Kind, located
from ninefold.runs import layout
from ninefold.runs.lock import locked_output, tidy_output
from ninefold.types import Example

Examples = Callable[[], Sequence[Example]]
"""A function that returns the examples to compare on, once the export is known to be possible."""


@dataclass(frozen=True)
class ExportedAdapter:
    """A finished export of an adapter."""

    folder: Path
    """Its folder."""
    form: AdapterForm
    """Its form."""
    difference: Difference
    """How far it is from the adapter on its base."""
    changed: int
    """Number of tensors that differ from the base's; 0 for an adapter, which has tensors of its own."""
    command: str | None
    """The command with which vLLM serves it."""


def export_adapter(
    spec: AdapterExportSpec, out: str | Path, examples: Examples, *, overwrite: bool = False
) -> ExportedAdapter:
    """Write an adapter in the form of another program; a finished export of the same adapter is left unchanged.

    Memory: the base in the precision of the forward pass, and beside it one module in single precision and one tensor
    of the files. The base is held once at any time.

    Args:
        spec: The adapter, the form and the options of the comparison.
        out: The folder to write.
        examples: The examples to compare on.
        overwrite: Whether an export of another adapter is replaced there; nothing else ever is.

    Raises:
        ModelError: If there is no adapter, it is of another base, the form cannot hold it, or the export would not be
            the same model.
        RunError: If ``out`` holds something else.
    """
    out, tuned = located(Path(out)), Tuned.of(spec)
    found = identity.resolve(tuned.model)
    served = None
    if found is not None:
        if _is_there(spec, tuned, out, found, overwrite=overwrite):
            tidy_output(out)
            return _exported(out)
        served = _serving(spec, tuned, found)
    asked = examples()
    # Before the imports, which take seconds.
    check_device(spec.device)

    from ninefold.models.export.making import Export
    from ninefold.models.image_inputs import check_agreement
    from ninefold.models.load import open_trainable

    console.milestone(f"loading {tuned.base.name}")
    base = open_trainable(tuned.base)
    if found is None:
        # A hub id that has just been downloaded.
        found = {"name": base.name, **with_adapter(base.identity, tuned.folder)}
        served = _serving(spec, tuned, found)
        if _is_there(spec, tuned, out, found, overwrite=overwrite):
            return _exported(out)
    check_agreement(tuned.folder, base.image_settings)
    made = Export(tuned, found, _settings(spec, found), asked, base)
    del base
    with locked_output(out, RunError), store.atomic_folder(out) as fresh:
        try:
            record = made.merged(fresh) if spec.to == "merged" else made.adapter(fresh, out, served)
        except OSError as error:
            # The user knows the output, and not the folder that becomes it.
            if any(str(fresh) in str(name) for name in (error.filename, error.filename2)):
                error.filename, error.filename2 = str(out), None
            raise
        store.write_json(fresh / layout.EXPORT, {**record, "files": _sizes(fresh)})
        _is_there(spec, tuned, out, found, overwrite=overwrite)
    return _exported(out)


def _serving(spec: AdapterExportSpec, tuned: Tuned, found: Mapping[str, object]) -> Serving | None:
    """Return how vLLM serves the adapter; None for another form."""
    from safetensors import safe_open

    if spec.to != "vllm":
        return None
    with explained(f"{tuned.folder}: the adapter cannot be read"):
        with safe_open(tuned.folder / layout.ADAPTER_WEIGHTS, "numpy") as file:
            tensors = sorted(file.keys())
        files = checkpoint_files(find(tuned.base.name))
        assert files is not None
        family = FAMILIES.get(str(found["family"]), GENERIC)
        return serving(tuned.folder, family, read_object(files / CONFIG), tuned.settings, tensors)


def _settings(spec: AdapterExportSpec, found: Mapping[str, object]) -> Mapping[str, Any]:
    """Return everything that determines an export."""
    return {"to": spec.to, "checkpoint": found["checkpoint"], "adapter": found["adapter"], "examples": spec.examples}


def _is_there(
    spec: AdapterExportSpec, tuned: Tuned, out: Path, found: Mapping[str, object], *, overwrite: bool
) -> bool:
    """Return whether a finished export of the same adapter is there; refuse to lose something else."""
    files = _read(out).get("files", {})
    own = "|".join(re.escape(str(name)) for name in [layout.EXPORT, *files])
    kind = Kind("model export", re.compile(own), lambda folder: _read(folder).get("settings"), RunError)
    base = Path(tuned.base.name)
    inputs = [spec.run, *([base] if base.exists() else []), *([] if spec.data is None else [spec.data])]
    if not kind.check(out, _settings(spec, found), overwrite=overwrite, inputs=inputs):
        return False
    return kind.is_unchanged(out, files, _sizes(out), overwrite=overwrite)


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size in bytes of each file of an export, without its record."""
    return {path.name: path.stat().st_size for path in sorted(folder.iterdir()) if path.name != layout.EXPORT}


def _read(folder: Path) -> Mapping[str, Any]:
    """Return the record of an exported adapter; empty if there is none."""
    try:
        return cast(Mapping[str, Any], store.read_json(folder / layout.EXPORT))
    except (RunError, OSError):
        return {}


def _exported(folder: Path) -> ExportedAdapter:
    record = store.read_json(folder / layout.EXPORT)
    try:
        form, difference = record["settings"]["to"], Difference(**record["difference"])
        return ExportedAdapter(folder, form, difference, record["changed"], record["command"])
    except (KeyError, TypeError) as error:
        raise ModelError(f"{folder / layout.EXPORT}: was edited; delete {folder} and export again") from error
