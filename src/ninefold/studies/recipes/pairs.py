"""Training on pairs that are made from descriptions (Ogezi & Shi 2025, SpaRE), at nano scale."""

from typing import Any

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.nano.spec import WorldSpec
from ninefold.studies.description import DESCRIPTIONS, PAIRS, Condition, Photos, Study, Test
from ninefold.studies.recipes.forgetting import GENERAL_TESTS
from ninefold.studies.recipes.nano_sets import MODEL, ROWS, SPATIAL_TESTS, training_world

RELATIONS_WORLD = WorldSpec(pictures=600, seed=3)
"""Photo-like images to ask about relations: enough for two things to be shown in all four."""

RELATION_TESTS = tuple(
    Test(f"relations-{form}", title, Photos(RELATIONS_WORLD, {"form": form}, source="relations"))
    for form, title in (("words", "Which of two"), ("true-false", "VSR's form"), ("letters", "What's Up's form"))
)
"""Tests of relations in three forms; chance is 50, 50 and 25 %."""


def pairs(pictures: int = 1000, seeds: int = 5) -> Study:
    """What training on pairs from descriptions gains and forgets: relations in three forms, positions, other questions.

    The base has never seen statements that are true or false, nor options with letters, as instructed models have. So
    every condition also trains on questions of these two forms that ask for no relation, and "Forms alone" is what all
    others are compared with. "Descriptions" trains on the descriptions themselves, as SpaRE's Table 4 does. "True
    relations" is what designed questions with answers from the boxes reach.

    Args:
        pictures: Number of photo-like images to train on, each with a description.
        seeds: Number of seeds.
    """
    world = training_world(pictures)
    forms = [_general(world, question) for question in ("claim", "choice")]
    made = Photos(world, source=PAIRS)
    told = Photos(world, {"prompt": "Describe the picture.", "embed": False}, source=DESCRIPTIONS)
    true = [_relations(world, form) for form in ("words", "true-false", "letters")]
    sets: list[tuple[str, str, list[Any], dict[str, Any]]] = [
        ("forms", "Forms alone", [], {}),
        ("pairs", "Pairs", [made], {}),
        ("captions", "Descriptions", [told], {}),
        ("conversations", "Pairs as conversations", [made], {"conversations": True}),
        ("pairs-scenes", "Pairs and scenes", [made, SyntheticSpec("train", distractors=3)], {}),
        ("relations", "True relations", true, {}),
    ]
    return Study(
        name="pairs",
        title="What does a model gain from pairs made of descriptions, and what does it forget?",
        models=(MODEL,),
        conditions=[
            Condition(name, title, (*sources, *forms), options, group="pairs") for name, title, sources, options in sets
        ],
        tests=(*RELATION_TESTS, *SPATIAL_TESTS, *GENERAL_TESTS),
        seeds=range(seeds),
    )


def _general(world: WorldSpec, question: str) -> Photos:
    return Photos(world, {"question": question, "split": "train", "subset": ROWS, "embed": False}, source="general")


def _relations(world: WorldSpec, form: str) -> Photos:
    return Photos(world, {"form": form, "split": "train", "subset": 4 * ROWS, "embed": False}, source="relations")
