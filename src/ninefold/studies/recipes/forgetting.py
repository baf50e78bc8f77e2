"""What fine-tuning on positions forgets: general questions before and after, at nano scale."""

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.studies.description import Condition, Photos, Study, Test
from ninefold.studies.recipes.nano_sets import MODEL, ROWS, SPATIAL_TESTS, TEST_WORLD, training_world

GENERAL_TESTS = (
    Test("presence", "Is it there?", Photos(TEST_WORLD, {"question": "presence"}, source="general")),
    Test("naming", "What is it?", Photos(TEST_WORLD, {"question": "naming"}, source="general")),
)
"""General questions that nano bases have learnt in pretraining; chance is 50 % and 3 %."""


def forgetting(seeds: int = 3) -> Study:
    """What fine-tuning on positions forgets: general questions before and after, beside those about position.

    The last condition trains on a quarter of general questions among those about position, at the same total, to see
    whether rehearsal keeps what else is forgotten. For a real model, copy this recipe and give the folder of any data
    set as the source of a test, or `GeneralSpec` with COCO's annotations: whether a category is in a photo.

    Args:
        seeds: Number of seeds.
    """
    spatial = SyntheticSpec("train", distractors=3)
    rehearsed = [
        Photos(training_world(600), {"question": question, "split": "train"}, source="general")
        for question in ("presence", "naming")
    ]
    mixed = {"weights": (0.75, 0.125, 0.125), "epoch_examples": ROWS}
    return Study(
        name="forgetting",
        title="Does a model tuned on positions forget whether a thing is there, and what it is?",
        models=(MODEL,),
        conditions=[
            Condition("synthetic", "Synthetic", (SyntheticSpec("train"),), group="forgetting"),
            Condition("distractors-3", "+ 3 distractors", (spatial,), group="forgetting"),
            Condition(
                "rehearsal", "+ 3 distractors, 25 % general", (spatial, *rehearsed), options=mixed, group="forgetting"
            ),
        ],
        tests=(*SPATIAL_TESTS, *GENERAL_TESTS),
        seeds=range(seeds),
        figures=("forgetting",),
    )
