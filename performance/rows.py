"""Rows of data to measure with: data set folders, and plain files for environments without ninefold."""

import json
from itertools import islice
from pathlib import Path

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.synthetic import SyntheticSpec, examples

ABOUT = About("rows", "Rows of the synthetic set.", {})


def synthetic_test(folder: Path, count: int) -> Path:
    """Write rows of the synthetic test set, spread over all of it, and return the folder."""
    rows = islice(examples(SyntheticSpec("test"))["test"], 0, None, max(1, 3888 // count))
    dataset.write(folder, {"test": islice(rows, count)}, about=ABOUT)
    return folder


def synthetic_train(folder: Path, count: int, canvas: int) -> Path:
    """Write rows of the synthetic training set, and only one to validate on, as peers do not validate."""
    parts = {split: list(part) for split, part in examples(SyntheticSpec("train", canvas=canvas)).items()}
    step = max(1, len(parts["train"]) // count)
    found = {"train": parts["train"][::step][:count], "validation": parts["validation"][:1]}
    dataset.write(folder, found, about=ABOUT)
    return folder


def photo_like(folder: Path, count: int) -> Path:
    """Write questions about photo-like images, two or more an image, and return the folder."""
    from ninefold.data.make import make
    from ninefold.data.sources.coco.source import CocoSource, CocoSpec
    from ninefold.nano import photos
    from ninefold.nano.spec import WorldSpec

    world = folder.with_name(f"{folder.name}-world")
    photos.make(WorldSpec(pictures=count), world)
    make(CocoSource(CocoSpec(world / "annotations.json", world / "images")), folder)
    return folder


def as_files(data: Path, split: str, folder: Path) -> Path:
    """Write a split as ``rows.jsonl`` (prompt, answer, file of the image) and image files; return the folder."""
    folder.mkdir(parents=True)
    rows = []
    for number, example in enumerate(Dataset.open(data).read(split)):
        path = folder / f"{number}.png"
        path.write_bytes(example.image)
        rows.append({"prompt": example.prompt, "answer": example.answer, "image": str(path)})
    (folder / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder
