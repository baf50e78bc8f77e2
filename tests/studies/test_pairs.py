"""Pairs made of captions, as training data of a study."""

from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.captions.spec import CaptionsIn, CaptionsSpec
from ninefold.data.format.dataset import Dataset
from ninefold.models.resident import Resident
from ninefold.nano.spec import WorldSpec
from ninefold.studies import recipes
from ninefold.studies.check import faults
from ninefold.studies.description import Condition, Photos
from ninefold.studies.perform import perform
from ninefold.studies.plan import plan


def of(source) -> "recipes.Study":
    return replace(recipes.find("smoke"), conditions=[Condition("pairs", "Pairs", (source,))])


def test_pairs_of_a_world_are_made_once_from_its_descriptions(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("spacy", reason="the rules read with spaCy: pip install 'ninefold[captions]'")
    study = of(Photos(WorldSpec(pictures=4, seed=2), source="pairs"))
    assert faults(study) == []
    tasks = [task for task in plan(study, tmp_path / "a").tasks if task.is_data][-2:]
    moved = plan(study, tmp_path / "b").tasks
    assert {task.key for task in tasks} <= {task.key for task in moved}
    for task in tasks:
        perform(task, Resident(), progress=False)
    made = Dataset.open(tasks[-1].folder)
    assert made.manifest.source == "captions" and made.splits["train"] > 20
    assert "is" in next(iter(made.read("train"))).question
    # What is made is not looked into again: a machine without the parser can train on it.
    monkeypatch.setattr("ninefold.captions.run.run", lambda *_, **__: pytest.fail("made again"))
    perform(tasks[-1], Resident(), progress=False)


def test_captions_of_ones_own_are_a_source_too(tmp_path: Path) -> None:
    spec = CaptionsSpec(CaptionsIn((tmp_path / "mine.jsonl",)))
    assert faults(of(spec)) == [
        f"condition pairs: {tmp_path / 'mine.jsonl'}: no such file or folder; the study reads it"
    ]
    (tmp_path / "mine.jsonl").write_text("")
    assert faults(of(spec)) == []
    assert faults(replace(of(spec), tests=[replace(recipes.find("smoke").tests[0], source=spec)])) == [
        "test synthetic: its source makes train and validation, and no split 'test'"
    ]
