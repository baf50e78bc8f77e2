"""Rizzoli et al. 2025 as a study: every condition, seed and test, on the paper's models, or at nano scale."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ninefold.data.sources.coco.source import CocoSpec
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.models.families import nano_bases
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.runs.study import BASE
from ninefold.studies.description import Condition, Photos, Probe, Study, StudyModel, Test

MODELS: Mapping[str, str] = {
    "LLaVA-NeXT": "llava-hf/llava-v1.6-vicuna-7b-hf",
    "LLaVA-OneVision": "lmms-lab/LLaVA-OneVision-1.5-8B-Instruct",
    "Molmo": "allenai/Molmo-7B-O-0924",
    "Qwen2-VL": "Qwen/Qwen2-VL-7B-Instruct",
    "CLIP": "openai/clip-vit-large-patch14-336",
}
"""The paper's models: their titles in its tables, and the checkpoints that the authors' code names."""

SCALING = (9, 63, 126, 324, 648, 972)
"""Sizes of the synthetic training set below the whole of it, each exactly balanced (the paper names percentages)."""

DISTRACTORS = (1, 3, 5)
"""Numbers of distractors that models are trained with."""

SUBSET = 1296
"""Number of questions of the COCO subset, as many as the synthetic training set has."""

FEW = (BASE, "synthetic", "distractors-3")
"""The conditions of the nano bases that do not go through all."""


def paper(coco: Path = Path("coco"), models: tuple[str, ...] = tuple(MODELS), seeds: int = 5) -> Study:
    """The whole of Rizzoli et al. 2025: five models, twelve training sets, five seeds, tests on scenes and photos.

    Args:
        coco: Folder of COCO 2017, with ``annotations/instances_{train,val}2017.json``, ``train2017/`` and ``val2017/``.
        models: Titles of the models, of `MODELS`.
        seeds: Number of seeds; five in the paper.
    """
    val, train = ((coco / f"annotations/instances_{part}2017.json", coco / f"{part}2017") for part in ("val", "train"))
    # Photos are not copied: the training set alone is 18 GB. The split is by question, as the paper's counts show.
    whole = CocoSpec(*train, split="train", holdout="question", embed=False)
    subset = CocoSpec(*train, split="train", subset=SUBSET, embed=False)
    chosen = {title: MODELS.get(title, title) for title in models}
    return Study(
        "paper",
        "Rizzoli et al. 2025: does fine-tuning on balanced synthetic scenes teach positions, in scenes and in photos?",
        models=[StudyModel(title, ModelSpec(name)) for title, name in chosen.items()],
        conditions=_conditions(whole, subset),
        tests=_tests(CocoSpec(*val, embed=False)),
        seeds=range(seeds),
        probes=_probes(),
    )


def nano(pictures: int = 3000, models: tuple[str, ...] = tuple(nano_bases()), seeds: int = 5) -> Study:
    """The paper at nano scale: the first nano base under every condition, the others under three.

    Training on all questions is one epoch about half of the images, more optimizer steps than four epochs of 1,296
    examples; the others train for four epochs, because more gains nothing at this size.

    Args:
        pictures: Number of photo-like images in place of COCO's training photos.
        models: Names of the nano bases.
        seeds: Number of seeds.
    """
    chosen = [
        StudyModel(name, ModelSpec(name), None if number == 0 else FEW[1:], {"epochs": 4})
        for number, name in enumerate(nano_bases())
        if name in models
    ]
    conditions = _conditions(
        Photos(WorldSpec(pictures // 2, seed=2), {"split": "train", "holdout": "question"}),
        Photos(WorldSpec(pictures, seed=2), {"split": "train", "subset": SUBSET}),
        {"epochs": 1},
    )
    return Study(
        "nano",
        "Rizzoli et al. 2025 at nano scale: does what the paper finds hold for small models made to show it?",
        models=chosen,
        conditions=conditions,
        tests=_tests(Photos(WorldSpec(pictures=300)), "Photo-like"),
        seeds=range(seeds),
        probes=_probes(),
    )


def smoke_nano() -> Study:
    """A real nano base, trained on a part of the synthetic set, tested on scenes and photo-like images, in minutes."""
    options = {"epochs": 1, "limit": 216, "lora_scope": "language"}
    return Study(
        "smoke-nano",
        "Does every part of a study work with a real model?",
        models=[StudyModel("nano", ModelSpec("nano"))],
        conditions=[
            Condition("synthetic", "Synthetic", (SyntheticSpec("train"),), options),
            Condition("distractors-3", "+ 3 distractors", (SyntheticSpec("train", distractors=3),), options),
        ],
        tests=[
            Test("synthetic", "Synthetic", SyntheticSpec("test"), options={"limit": 324}),
            Test("coco", "Photo-like", Photos(WorldSpec(pictures=40))),
        ],
        seeds=(0, 1),
        probes=[Probe("synthetic", (BASE, "synthetic"))],
    )


def _conditions(whole: Any, subset: Any, of_whole: Mapping[str, Any] | None = None) -> list[Condition]:
    """Return the paper's training sets in its order, with options for the whole of COCO, and its scaling curve's."""
    return [
        Condition("synthetic", "Synthetic", (SyntheticSpec("train"),)),
        *(
            Condition(
                f"distractors-{number}",
                f"+ {number} distractor{'s' * (number > 1)}",
                (SyntheticSpec("train", distractors=number),),
            )
            for number in DISTRACTORS
        ),
        Condition("coco-complete", "COCO complete", (whole,), of_whole or {}),
        Condition("coco-subset", "COCO subset", (subset,)),
        *(
            Condition(f"scaling-{size}", f"{size} examples", (SyntheticSpec("train", subset=size),), group="scaling")
            for size in SCALING
        ),
    ]


def _tests(photos: Any, title: str = "COCO") -> list[Test]:
    """Return the paper's tests. That with as many distractors as in training is asked of these conditions alone."""
    return [
        Test("synthetic", "Synthetic", SyntheticSpec("test")),
        *(
            Test(f"synthetic-{number}", f"Synthetic + {number}", SyntheticSpec("test", distractors=number), conditions)
            for number, conditions in _asked()
        ),
        Test("coco", title, photos),
    ]


def _asked() -> Iterable[tuple[int, tuple[str, ...]]]:
    """Yield the numbers of distractors in tests, with the conditions that are tested on each, as in table 7."""
    for number in DISTRACTORS:
        trained = tuple(f"distractors-{each}" for each in DISTRACTORS)
        yield number, (f"distractors-{number}",) if number < max(DISTRACTORS) else (BASE, "synthetic", *trained)


def _probes() -> list[Probe]:
    return [Probe(test, (BASE, "synthetic")) for test in ("synthetic", "coco")]
