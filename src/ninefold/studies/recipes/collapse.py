"""What decides the collapse of models tuned on all of COCO (Rizzoli et al. 2025, open question 4), at nano scale."""

from typing import Any

from ninefold.studies.description import Condition, Photos, Study
from ninefold.studies.recipes.nano_sets import MODEL, ROWS, SPATIAL_TESTS, training_world

LARGE = 3 * ROWS
"""Number of training examples of the large sets."""

FLAWS: dict[str, dict[str, Any]] = {
    "positions": {"positions": "crowded"},
    "categories": {"categories": "long-tailed"},
    "noise": {"noise": 0.2},
    "ambiguous": {"ambiguous": 0.25},
    "size": {"subset": LARGE},
}
"""The options of `FlawedSpec` that each flaw changes; size is none, but the difference that the paper's set has too."""

TITLES = {
    "positions": "Crowded positions",
    "categories": "Long-tailed categories",
    "noise": "20 % wrong answers",
    "ambiguous": "25 % ambiguous questions",
    "size": "Three times the size",
}


def collapse(pictures: int = 2400, seeds: int = 3) -> Study:
    """What decides the collapse of a model tuned on photos: a balanced control, each flaw of COCO alone, and all.

    All sets ask about photo-like images of one nano world, 1,296 questions of them (3,888 where size is switched), for
    as many epochs: a larger set also means more optimizer steps. "All together" is the likeness of the paper's COCO
    complete: positions as in COCO's photos, most questions of few categories, wrong answers, several things of a
    category, and size.

    The paper's own condition, `coco-complete`, is diagnosed from what its runs and its data set hold already. How
    models fail, by the classes of invalid answers: LLaVA-NeXT answers nothing, Molmo does not stop, OneVision and
    Qwen2-VL are right in half of the center alone. Where, by accuracy and votes of each cell. How far positions and
    categories are from even, and what the question alone gives away, by `certificate.json`. When, by the validation
    loss of each epoch in `history.json`: an epoch of COCO complete holds 124 times as many examples as one of the
    subset. To switch flaws on COCO itself, copy this recipe with `FlawedSpec(annotations, images, ...)` in place of
    `Photos`, and a real model: the control is then the paper's COCO subset, and noise and ambiguity are added to those
    that COCO has.

    Args:
        pictures: Number of photo-like images to train on; the largest set must find its balanced questions in them.
        seeds: Number of seeds.
    """
    everything = {key: value for flaw in FLAWS.values() for key, value in flaw.items()}
    sets = [
        ("control", "Balanced control", {}),
        *((name, TITLES[name], options) for name, options in FLAWS.items()),
        ("all", "All together", everything),
    ]
    world = training_world(pictures)
    return Study(
        name="collapse",
        title="What decides the collapse of a model tuned on photos: positions, categories, noise, ambiguity or size?",
        models=(MODEL,),
        conditions=[
            Condition(
                f"collapse-{name}",
                title,
                (Photos(world, {"subset": ROWS, **options}, source="flawed"),),
                group="collapse",
            )
            for name, title, options in sets
        ],
        tests=SPATIAL_TESTS,
        seeds=range(seeds),
        figures=("collapse",),
    )
