"""Mixtures of synthetic and photo-like training examples (Rizzoli et al. 2025, open question 2), at nano scale."""

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.studies.description import Condition, Photos, Study
from ninefold.studies.recipes.nano_sets import MODEL, ROWS, SPATIAL_TESTS, training_world

SYNTHETIC = SyntheticSpec("train", distractors=3)
PHOTOS = Photos(training_world(1000), {"split": "train", "subset": ROWS})


def mixtures(seeds: int = 3) -> Study:
    """Mixtures of synthetic and photo-like examples: shares of 0, 25, 50, 75 and 100 % at 1,296 examples an epoch.

    Both sets have 1,296 examples and are balanced. In a mixture, each is walked through in a random order, so that
    other examples come in each epoch; their number is the same in all conditions.

    Args:
        seeds: Number of seeds.
    """
    return Study(
        name="mixtures",
        title="Synthetic scenes, photo-like images or both: which share is best at the same number of examples?",
        models=(MODEL,),
        conditions=[
            Condition("mixture-0", "Synthetic alone", (SYNTHETIC,), group="mixture"),
            *(
                Condition(
                    f"mixture-{percent}",
                    f"{percent} % photo-like",
                    (SYNTHETIC, PHOTOS),
                    options={"weights": (1 - percent / 100, percent / 100), "epoch_examples": ROWS},
                    group="mixture",
                )
                for percent in (25, 50, 75)
            ),
            Condition("mixture-100", "Photo-like alone", (PHOTOS,), group="mixture"),
        ],
        tests=SPATIAL_TESTS,
        seeds=range(seeds),
        figures=("mixtures",),
    )
