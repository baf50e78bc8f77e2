"""The beginning of any training: by a registered model's own fit function, or with torch. No heavy imports here."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold.data.format.dataset import Dataset
from ninefold.models.registry import FITTED
from ninefold.training.spec import TrainSpec

if TYPE_CHECKING:
    from ninefold.models.protocol import Trainable


def begin(spec: TrainSpec, out: Path, *, model: "Trainable | None" = None, overwrite: bool = False) -> dict[str, Any]:
    """Train a model in a run folder; see `ninefold.training.train.train`.

    Raises:
        DataError: If rows have no image; then nothing heavy is imported or loaded.
    """
    for folder in spec.data:
        for split in (spec.train_split, spec.validation_split):
            Dataset.open(folder).check_images(split)
    if spec.model.name in FITTED:
        from ninefold.training.own import train_own

        return train_own(spec, out, overwrite=overwrite)
    from ninefold.training.train import train

    return train(spec, out, model=model, overwrite=overwrite)
