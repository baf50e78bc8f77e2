"""The training of a registered model by the fit function that it was registered with. No torch here."""

import time
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.data.format.unchanged import DATA_FILES
from ninefold.errors import NinefoldError, PluginError, RunError, first_line
from ninefold.models.registry import FITTED, Fitted
from ninefold.runs import layout
from ninefold.runs.folder import check_place
from ninefold.runs.lock import working
from ninefold.runs.metrics import TrainingMetrics
from ninefold.runs.records import Provenance
from ninefold.training.settings import data_files, examples_of, metrics_of_finished, resolve
from ninefold.training.spec import TrainSpec


def train_own(spec: TrainSpec, out: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Train a registered model in a run folder; see `ninefold.training.train.train`.

    Raises:
        PluginError: If its fit function fails, or returns something else than `Fitted`.
    """
    begun = time.perf_counter()
    check_place(out, spec.data)
    if spec.method != "lora":
        raise RunError(f"--method {spec.method}: a registered model is trained by its own fit function; leave it out")
    if spec.conversations:
        raise RunError("--conversations: a registered model gets one question an example; leave it out")
    settings = resolve(spec)
    assert settings is not None
    with working(out, settings.to_json(), overwrite=overwrite) as unfinished:
        if not unfinished:
            return metrics_of_finished(spec, out)
        train, validation = examples_of(spec)
        fitted = _fit(spec, train, validation)
        metrics = TrainingMetrics(
            best_epoch=1,
            best_step=1,
            train_loss=fitted.train_loss,
            validation_loss=fitted.validation_loss,
            epochs=1,
            steps=1,
            stopped_early=False,
            examples={spec.train_split: len(train), spec.validation_split: len(validation)},
            adapted=f"arrays of {spec.model.name}'s own fit function",
            adapted_modules=sorted(fitted.arrays),
        ).to_json()
        _save(fitted, out / layout.ADAPTER)
        store.write_json(out / layout.METRICS, metrics)
        Provenance.of_this_process(
            data=[str(folder.resolve()) for folder in spec.data],
            model=spec.model.name,
            seconds={"train": round(time.perf_counter() - begun, 3)},
            **{DATA_FILES: data_files(spec)},
        ).write(out)
    return metrics


def _fit(spec: TrainSpec, train: Any, validation: Any) -> Fitted:
    name = spec.model.name
    try:
        fitted = FITTED[name](spec.model, train, validation, spec.seed)
    except NinefoldError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(
            f"model {name!r}: its fit function fails ({type(error).__name__}: {first_line(error)})"
        ) from error
    if not isinstance(fitted, Fitted):
        raise PluginError(f"model {name!r}: its fit function returns a {type(fitted).__name__}; return ninefold.Fitted")
    return fitted


def _save(fitted: Fitted, folder: Path) -> None:
    from safetensors.numpy import save

    store.write_bytes(folder / layout.ADAPTER_WEIGHTS, save(dict(fitted.arrays)))
