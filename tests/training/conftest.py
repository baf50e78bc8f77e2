"""A small data set, and a run on it that nothing interrupted."""

from itertools import islice
from pathlib import Path

import pytest

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "synthetic-train"
    parts = examples(SyntheticSpec(split="train", canvas=96))
    rows = {split: islice(part, 0, 72, 3) for split, part in parts.items()}
    dataset.write(folder, rows, about=About("a few", "A few rows.", {}))
    return folder


@pytest.fixture(scope="session")
def spec(tiny_llava: Path, few: Path) -> TrainSpec:
    return TrainSpec(ModelSpec(str(tiny_llava)), data=(few,), batch=8, epochs=3, learning_rate=1e-3, checkpoint_steps=2)


@pytest.fixture(scope="session")
def unbroken(spec: TrainSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "unbroken"
    train(spec, out)
    return out
