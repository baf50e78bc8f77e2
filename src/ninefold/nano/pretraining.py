"""How a nano base is made: ``python -m ninefold.nano.pretraining --out DIR``; an hour on 2 cores for the first one.

Stage 1 teaches the eyes: a linear head on every image token names the shape and the color of the thing centered there
and says where in its patch the center is. Stage 2 adds where in the whole picture it is, which the first stage has no
use for. Stage 3 teaches the whole model to talk: where things are (in a captioner's words), what is at a point,
pointing at a thing, yes and no, captions. While it learns, one attention head of three decoder layers is shown where to
look when a thing is named; that help and the heads on image tokens are gone at the end.

The bases of other families begin from what fits them of the first one, and need a part of its steps.
"""

import tyro

from ninefold.nano.matching import Matching
from ninefold.nano.recipe import Pretraining
from ninefold.nano.spec import PretrainSpec
from ninefold.nano.talking import Talking


def recipe(spec: PretrainSpec) -> Pretraining:
    """Return the recipe of a family's base, ready to run."""
    return Matching(spec) if spec.family == "clip" else Talking(spec)


if __name__ == "__main__":
    recipe(tyro.cli(PretrainSpec, description=__doc__)).run()
