"""Why fine-tuning on scenes does not transfer to photos in CLIP: the part that is trained, or the text compared.

In Rizzoli et al. 2025, CLIP tuned on 1,296 scenes reaches 100 % on scenes, and stays at its base's 22 % on photos.
"""

from pathlib import Path
from typing import Any

from ninefold.data.sources.coco.source import CocoSpec
from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.models.clip.linear_head import KINDS, register_heads
from ninefold.models.families import find
from ninefold.models.family import TextForm
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.studies.description import Condition, Photos, Study, StudyModel, Test

GROUP = "clip"
"""Group of the conditions, and name of the figure."""

REAL = "openai/clip-vit-large-patch14-336"
"""The paper's CLIP."""

SCOPES = {
    "synthetic": ("Vision and text", {}),
    "vision": ("Vision tower", {"targets": r"vision_model\..*\.(q_proj|k_proj|v_proj)"}),
    "text": ("Text tower", {"lora_scope": "language"}),
    "projections": ("Projections", {"targets": "visual_projection,text_projection"}),
}
"""The trained parts, by the name of the condition: title, and options of `TrainSpec`."""

FORMS: dict[str, TextForm] = {"option-alone": "option", "sentence": "sentence", "whole-prompt": "prompt and option"}
"""Forms of the candidate texts other than the paper's, by name; each is a model of its own, base and tuned."""

HEADS = {"nano-clip": "nano-clip", REAL: "clip"}
"""Dual encoders with linear heads on their frozen image features, and the beginning of the heads' names."""


def clip(model: str = "nano-clip", coco: Path | None = None, pictures: int = 4000, seeds: int = 3) -> Study:
    """Why CLIP does not transfer to photos: trained part, form of the texts, and what a linear head reads instead.

    A linear head on the frozen image features says whether the vision tower holds the position of the one thing of a
    scene, in the pooled vector that texts are compared with, or in the patches. It reads no question.

    Args:
        model: The dual encoder, such as ``nano-clip`` or `REAL`.
        coco: Folder of COCO 2017 (see `ninefold.studies.recipes.paper`); by default photo-like images are drawn.
        pictures: Number of photo-like images to train on, if they are drawn.
        seeds: Number of seeds.
    """
    title = "CLIP" if model == REAL else model
    train, photos = (SyntheticSpec("train"),), (_photos(coco, pictures),)
    options = {"epochs": 4} if find(model).nano else {}
    return Study(
        "clip",
        "Why does CLIP not transfer from scenes to photos: the part that is trained, or the text that is compared?",
        models=[
            StudyModel(title, ModelSpec(model), (*SCOPES, "photos"), options),
            *(
                StudyModel(
                    f"{title}, {name.replace('-', ' ')}",
                    ModelSpec(model, texts=form),
                    conditions=("synthetic", "photos"),
                    options=options,
                    name=f"{title}-{name}",
                )
                for name, form in FORMS.items()
            ),
            *(
                StudyModel(f"{title}, {kind} features", ModelSpec(f"{HEADS[model]}-{kind}"), ("head", "head-photos"))
                for kind in KINDS
                if model in HEADS
            ),
        ],
        conditions=[
            *(Condition(name, part, train, changed, GROUP) for name, (part, changed) in SCOPES.items()),
            Condition("photos", "Vision and text, on photos", photos, group=GROUP),
            Condition("head", "Linear head", train, group=GROUP),
            Condition("head-photos", "Linear head, on photos", photos, group=GROUP),
        ],
        tests=[
            Test("synthetic", "Synthetic", SyntheticSpec("test")),
            Test("synthetic-5", "Synthetic + 5", SyntheticSpec("test", distractors=5)),
            Test("coco", "COCO" if coco else "Photo-like", _asked_photos(coco)),
        ],
        seeds=range(seeds),
        figures=(GROUP,),
    )


def _photos(coco: Path | None, pictures: int) -> Any:
    """Return the photos to train on, with as many questions as the synthetic set has."""
    if coco is None:
        return Photos(WorldSpec(pictures=pictures, seed=2), {"split": "train", "subset": 1296})
    return CocoSpec(*_files(coco, "train"), split="train", subset=1296, embed=False)


def _asked_photos(coco: Path | None) -> Any:
    return Photos(WorldSpec(pictures=300)) if coco is None else CocoSpec(*_files(coco, "val"), embed=False)


def _files(coco: Path, part: str) -> tuple[Path, Path]:
    return coco / f"annotations/instances_{part}2017.json", coco / f"{part}2017"


for _base, _name in HEADS.items():
    register_heads(_base, _name)
