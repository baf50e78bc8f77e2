from pathlib import Path

import pytest

from ninefold import store
from ninefold.runs import lineage

BASE = {"name": "nano", "checkpoint": "b", "adapter": None, "dtype": "float32"}


@pytest.fixture
def tuning(tmp_path: Path) -> Path:
    """A training run of all weights."""
    run = tmp_path / "tuning"
    store.write_json(run / "spec.json", {"kind": "training", "model": BASE})
    (run / "model").mkdir()
    return run


def test_what_training_made_is_known_by_its_place(tuning: Path, tmp_path: Path) -> None:
    for path in (tuning, tuning / "model", tuning / "adapter"):
        assert lineage.training_run(path) == tuning
        assert lineage.base_of(path) == BASE
    assert lineage.checkpoint_folder(tuning) == lineage.checkpoint_folder(tuning / "model") == tuning / "model"
    assert lineage.training_run(tmp_path) is None and lineage.base_of(tmp_path / "other" / "model") is None
    assert lineage.checkpoint_folder(tmp_path) == tmp_path


def test_an_evaluation_run_trains_nothing(tmp_path: Path) -> None:
    store.write_json(tmp_path / "spec.json", {"kind": "evaluation", "model": BASE})
    assert lineage.training_run(tmp_path / "model") is None
    assert lineage.identity_in(tmp_path) == BASE


def test_the_parent_of_a_tuned_model() -> None:
    assert lineage.parent(BASE, {}) is None and lineage.subject(BASE, {"parent": None}) == BASE
    assert lineage.parent({**BASE, "adapter": "a"}, {}) == BASE
    # One with weights of its own is compared with its base as both were evaluated.
    own = {**BASE, "name": "tuning", "checkpoint": "own", "dtype": "bfloat16"}
    assert lineage.parent(own, {"parent": BASE}) == {**BASE, "dtype": "bfloat16"}
    assert lineage.subject(own, {"parent": BASE})["name"] == "nano"
    served = {"name": "openai:tuned", "adapter": None}
    assert lineage.parent(served, {"parent": {"name": "openai:base", "adapter": None}}) == {
        "name": "openai:base",
        "adapter": None,
    }
