"""The model and the data sets that studies at nano scale share."""

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.models.families import NANO
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import WorldSpec
from ninefold.studies.description import Photos, StudyModel, Test

MODEL = StudyModel(NANO, ModelSpec(NANO), options={"lora_scope": "language", "epochs": 3})
"""The nano base of the family LLaVA, trained as in the demo."""

ROWS = 1296
"""Number of training examples of the paper's small sets."""

TEST_WORLD = WorldSpec(pictures=300, seed=1)
"""Photo-like images to test on, those of the demo."""


def training_world(pictures: int) -> WorldSpec:
    """Return photo-like images to train on; they have another seed than those to test on."""
    return WorldSpec(pictures, seed=2)


SPATIAL_TESTS = (
    Test("synthetic", "Synthetic", SyntheticSpec("test")),
    Test("coco", "Photo-like", Photos(TEST_WORLD)),
)
"""Tests of absolute position: of the paper's synthetic set, and of photo-like images in place of COCO."""
