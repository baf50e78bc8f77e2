"""The adapter to export and its base, found from a training run or an adapter's folder. No torch here."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ninefold.errors import ModelError
from ninefold.models.checkpoint.adapter_settings import read_settings
from ninefold.models.export.spec import AdapterExportSpec
from ninefold.models.families import find
from ninefold.models.family import QUESTION_AND_OPTION
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec
from ninefold.runs import layout, lineage
from ninefold.runs.records import Provenance


@dataclass(frozen=True)
class Tuned:
    """An adapter and its base."""

    name: str
    """Name of the training run, or of the adapter's folder."""
    folder: Path
    """Folder of the adapter."""
    settings: dict[str, Any]
    """Its ``adapter_config.json``."""
    base: ModelSpec
    """The base, without the adapter."""

    @property
    def model(self) -> ModelSpec:
        """The base with the adapter."""
        return replace(self.base, adapter=self.folder)

    @classmethod
    def of(cls, spec: AdapterExportSpec) -> "Tuned":
        """Return the adapter and the base that a specification names.

        Raises:
            ModelError: If there is no adapter, or its base is not known or not found.
        """
        folder = lineage.adapter_folder(spec.run)
        _check(spec.run, folder)
        settings = dict(read_settings(folder))
        run = lineage.training_run(folder)
        base = _base_name(spec, folder, run, settings)
        learned = lineage.base_of(folder) or {}
        texts = learned.get("texts") or QUESTION_AND_OPTION
        model = ModelSpec(
            base, dtype=spec.dtype, device=spec.device, trust_remote_code=spec.trust_remote_code, texts=texts
        )
        return cls((run or folder).resolve().name, folder, settings, model)


def _check(named: Path, folder: Path) -> None:
    """Refuse a folder without a LoRA adapter."""
    if not named.is_dir():
        raise ModelError(f"{named}: no such folder; name a finished run of `ninefold train`, or a PEFT adapter")
    run = lineage.training_run(named)
    if run is not None and folder == named and (named / layout.MODEL).is_dir():
        raise ModelError(
            f"{named}: all weights were trained, so there is no adapter: {named / layout.MODEL} is the whole model, as "
            "transformers reads it; copy that folder"
        )
    if (folder / layout.ADAPTER_WEIGHTS).is_file() and not (folder / layout.ADAPTER_CONFIG).is_file():
        raise ModelError(
            f"{named}: holds what a registered model's own fit function made, which that model alone reads; there is "
            "no LoRA adapter to export"
        )
    for name in (layout.ADAPTER_CONFIG, layout.ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise ModelError(
                f"{named}: no adapter, as it has no {name}; name a finished run of `ninefold train`, or a PEFT adapter"
            )


def _base_name(spec: AdapterExportSpec, folder: Path, run: Path | None, settings: dict[str, Any]) -> str:
    """Return the name of the base, which is there.

    Raises:
        ModelError: If none is named, or it is not found.
    """
    recorded = None if run is None else Provenance.read(run).facts.get("model")
    name = spec.model or recorded or settings.get("base_model_name_or_path")
    if not isinstance(name, str) or not name:
        raise ModelError(f"{folder}: names no base; name it with --model")
    if name in REGISTERED:
        raise ModelError(f"{name}: a registered model has no checkpoint that adapters are exported for")
    try:
        find(name)
    except ModelError as error:
        if spec.model is not None:
            raise
        raise ModelError(f"{folder}: its base, {name}, is not found from here; name it with --model") from error
    return name
