"""Training on pairs that are made from descriptions (Ogezi & Shi 2025, SpaRE), at nano scale."""

from dataclasses import replace
from typing import Any

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.models.families import NANO
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.studies.description import DESCRIPTIONS, PAIRS, Condition, Photos, Study, StudyModel, Test
from ninefold.studies.recipes.forgetting import GENERAL_TESTS
from ninefold.studies.recipes.nano_sets import ROWS, SPATIAL_TESTS, training_world

MODEL = StudyModel(
    NANO,
    ModelSpec(NANO),
    options={"method": "full", "lora_scope": "language", "learning_rate": 1e-3, "batch": 64, "epochs": 4},
)
"""The nano base of the family LLaVA, all weights of its language model trained, as SpaRE-2B is.

The words of relations are new to it: LoRA on its attention, as in the other studies, cannot teach it to spell them.
"""

RELATIONS_WORLD = WorldSpec(pictures=600, seed=3)
"""Photo-like images to ask about relations: enough for two things to be shown in all four."""

FORMS = {"words": "Which of two", "true-false": "VSR's form", "letters": "What's Up's form"}
"""Titles of the forms of relation tests; chance is 50, 50 and 25 %."""

LIKELIER = {"scoring": "choice"}
"""The likeliest option is the answer, whatever form the model would write it in."""

RELATION_TESTS = tuple(
    Test(
        f"relations-{form}{name}",
        f"{title}{words}",
        Photos(RELATIONS_WORLD, {"form": form}, source="relations"),
        None,
        options,
    )
    for name, words, options in (("", "", LIKELIER), ("-written", ", written", {"limit": 400}))
    for form, title in FORMS.items()
)
"""Tests of relations in three forms: by the likeliest option, and by what the model writes."""

POSITION_TESTS = tuple(replace(test, options={**LIKELIER, "limit": 648}) for test in SPATIAL_TESTS)
"""Tests of absolute position, by the likeliest option."""


def pairs(pictures: int = 600, seeds: int = 5) -> Study:
    """What training on pairs from descriptions gains and forgets: relations in three forms, positions, other questions.

    The base has never seen statements that are true or false, nor options with letters, as instructed models have. So
    all conditions but "Pairs without instructions" also train on the instructions: questions whether a thing is there
    and what is at a point, in these forms and the base's own, none about a relation. "Instructions" trains on them
    alone. "Descriptions" trains on the descriptions themselves, as SpaRE's Table 4 does. "True relations" is what
    designed questions with answers from the boxes reach.

    Args:
        pictures: Number of photo-like images to train on, each with a description.
        seeds: Number of seeds.
    """
    world = training_world(pictures)
    instructions = [
        Photos(world, {"question": question, "split": "train", "subset": ROWS // 2, "embed": False}, source="general")
        for question in ("claim", "choice", "presence", "naming")
    ]
    made = Photos(world, source=PAIRS)
    told = Photos(world, {"prompt": "Describe the picture.", "embed": False}, source=DESCRIPTIONS)
    true = [
        Photos(world, {"form": form, "split": "train", "subset": 2 * ROWS, "embed": False}, source="relations")
        for form in FORMS
    ]
    sets: list[tuple[str, str, list[Any]]] = [
        ("instructions", "Instructions", []),
        ("captions", "Descriptions", [told]),
        ("pairs", "Pairs", [made]),
        ("conversations", "Pairs as conversations", [made]),
        ("pairs-scenes", "Pairs and scenes", [made, SyntheticSpec("train", distractors=3)]),
        ("relations", "True relations", true),
    ]
    # A conversation holds about five questions: a step learns from as many as one of single questions does.
    options = {"conversations": {"conversations": True, "batch": 12}}
    return Study(
        name="pairs",
        title="What does a model gain from pairs made of descriptions, and what does it forget?",
        models=(MODEL,),
        conditions=[
            *(
                Condition(name, title, (*sources, *instructions), options.get(name, {}), "pairs")
                for name, title, sources in sets
            ),
            Condition("pairs-alone", "Pairs without instructions", (made,), group="pairs"),
        ],
        tests=(*RELATION_TESTS, *POSITION_TESTS, *GENERAL_TESTS),
        seeds=range(seeds),
    )
