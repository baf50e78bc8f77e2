"""The smallest study: a scripted model, no torch, a few seconds; for tests, and to see what a study is."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ninefold import store
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.models.fake import FakeModel
from ninefold.models.registry import Fitted, register_model
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.runs import layout, lineage
from ninefold.space import GRID, LABELS, Cell, label_of_cell
from ninefold.studies.description import Condition, Photos, Study, StudyModel, Test
from ninefold.types import Example

MODEL = "scripted"
"""Name of the scripted model: it has human-like borders between regions, and learns the true ones from examples."""

CAUTION = (
    "Scripted is a few rules, no neural network: its scores show that every part of a study works, and nothing else."
)
"""What a reader of its scores must know."""

_BORDERS = ((2, 7), (2, 8))
"""The scripted base's borders between the thirds of the grid, of columns and of rows: its center is too large."""


def smoke(seeds: int = 2) -> Study:
    """The smallest study, of a scripted model: every part of the system but the models, in seconds."""
    train = SyntheticSpec("train", canvas=90, subset=324)
    return Study(
        "smoke",
        "Does every part of a study work?",
        models=(StudyModel("Scripted", ModelSpec(MODEL), caution=CAUTION),),
        conditions=(
            Condition("synthetic", "Synthetic", (train,)),
            Condition("distractors-3", "+ 3 distractors", (replace(train, distractors=3),)),
            Condition("scaling-63", "63 examples", (replace(train, subset=63),), group="scaling"),
        ),
        tests=(
            Test("synthetic", "Synthetic", SyntheticSpec("test", canvas=90), options={"limit": 324}),
            Test("coco", "Photo-like", Photos(WorldSpec(pictures=24))),
        ),
        seeds=range(seeds),
    )


def _open(spec: ModelSpec) -> FakeModel:
    """Return the scripted model, with what an adapter of it has learned."""
    if spec.adapter is None:
        return FakeModel(_base, name=MODEL)
    from safetensors.numpy import load_file

    path = lineage.adapter_folder(spec.adapter) / layout.ADAPTER_WEIGHTS
    learned = load_file(path)
    share, crowded, seed = (float(learned[name][0]) for name in ("share", "crowded", "seed"))

    def answer(example: Example) -> str:
        known = share if crowded or not _is_crowded(example) else share / 2
        return example.answer if _draw(example.id, int(seed)) < known else _base(example)

    return FakeModel(answer, name=MODEL, adapter=store.file_hash(path))


def _fit(spec: ModelSpec, train: Sequence[Example], validation: Sequence[Example], seed: int) -> Fitted:
    """Learn more of the true borders from more examples, and to look past distractors from examples with some."""
    count, crowded = len(train), float(np.mean([_is_crowded(example) for example in train]))
    share = count / (count + 40)
    arrays = {"share": np.array([share]), "crowded": np.array([crowded]), "seed": np.array([float(seed)])}
    return Fitted(arrays, 1 - share, 1 - share * (1 - 1 / (1 + len(validation))))


def _base(example: Example) -> str:
    """Return the base's answer: it has borders of its own between the regions."""
    thirds = []
    for name, (first, second) in zip(("cell_row", "cell_col"), reversed(_BORDERS), strict=True):
        place = int(example.factors.get(name) or 0)
        thirds.append(0 if place < first else 1 if place < second else 2)
    said = label_of_cell(Cell(3 * thirds[0], 3 * thirds[1]), GRID)
    return said if said in example.options else LABELS[4]


def _is_crowded(example: Example) -> bool:
    return bool(example.factors.get("distractors", 1))


def _draw(name: str, seed: int) -> float:
    """Return a number in [0, 1) that depends on an example and a seed alone."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:4]) / 2**32


register_model(MODEL, _open, fit=_fit)
