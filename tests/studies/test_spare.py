"""SpaRE's studies: the settings of its Tables 5 and 6, its search, its baseline, and the benchmarks that are there."""

from pathlib import Path

import pytest

from ninefold.data.sources.benchmarks.catalog import BENCHMARKS
from ninefold.data.sources.descriptions import DescriptionsSpec
from ninefold.studies import estimate, recipes
from ninefold.studies.check import faults
from ninefold.studies.plan import plan, train_spec
from ninefold.studies.recipes.spare import settings_tried
from ninefold.studies.well_formed import misnamed, mistyped

NAMES = [name for name, each in BENCHMARKS.items() if not each.variant]


@pytest.mark.parametrize(
    ("name", "method", "optimizer", "rate"),
    [("spare-2b", "full", "adamw-8bit", 3e-5), ("spare-7b", "lora", "adamw", 1e-4)],
)
def test_the_settings_are_those_of_the_tables(name: str, method: str, optimizer: str, rate: float) -> None:
    study = recipes.find(name, {"conversations": "true"})
    (model,) = study.models
    pairs, captions = study.conditions
    found = train_spec(model, pairs, 0, (Path("pairs"),))
    assert (found.method, found.optimizer, found.learning_rate) == (method, optimizer, rate)
    assert (found.epochs, found.batch, found.warmup_steps, found.schedule) == (2, 64, 1000, "cosine")
    assert (found.clip, found.dropout, found.model.dtype) == (1.0, 0.1, "bfloat16")
    assert found.conversations and not train_spec(model, captions, 0, (Path("pairs"),)).conversations
    assert captions.sources == (DescriptionsSpec(Path("pairs"), embed=False),)
    assert list(study.seeds) == [0, 1, 2, 3, 4]
    # The same LoRA as elsewhere: the paper states none.
    assert (found.rank, found.alpha) == (32, 64)


def test_tests_are_the_benchmarks_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "whatsup").mkdir()
    study = recipes.find("spare-2b", {"benchmarks": str(tmp_path), "allow_missing": "true"})
    assert [test.name for test in study.tests] == ["whatsup-a", "whatsup-b"]
    assert all(test.source.directory == tmp_path / "whatsup" and test.source.allow_missing for test in study.tests)
    assert [test.name for test in recipes.find("spare-2b").tests] == NAMES


def test_what_is_missing_is_told_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ninefold.models.identity.resolve", lambda spec: None)
    told = faults(recipes.find("spare-7b"))
    assert {fault.split(": ")[0] for fault in told} == {
        *(f"test {name}" for name in NAMES),
        "condition pairs",
        "condition captions",
    }
    assert all("no such" in fault for fault in told)


@pytest.mark.parametrize("name", ["spare-2b-search", "spare-7b-search"])
def test_the_search_changes_one_setting_or_all(name: str, tmp_path: Path) -> None:
    size = name.split("-")[1]
    alone = settings_tried(size, whole=False)
    assert (len(alone), alone[0]) == (11, {})
    assert all(len(changed) == 1 for changed in alone[1:])
    whole = settings_tried(size, whole=True)
    assert len(whole) == len({str(changed) for changed in whole}) == 2 * 2 * 3 * 2 * 3 * 2 * 3
    assert all(changed in whole for changed in alone)
    for every, trainings in (("false", 11), ("true", 432)):
        study = recipes.find(name, {"whole": every})
        assert not mistyped(study) and not misnamed(study)
        assert len([task for task in plan(study, tmp_path).tasks if task.kind == "training"]) == trainings
    text = estimate.text(recipes.find(name), tmp_path)
    assert "1 model, 11 training sets, 1 seed, 1 test" in text
