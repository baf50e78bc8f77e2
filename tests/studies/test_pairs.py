"""Pairs made of captions, as training data of a study."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ninefold.captions.engines.catalog import register_engine
from ninefold.captions.pair import Generated, Pair
from ninefold.captions.spec import CaptionsIn, CaptionsSpec, ChecksSpec
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.catalog import source_of
from ninefold.data.sources.descriptions import DescriptionsSpec
from ninefold.models.resident import Resident
from ninefold.nano.spec import WorldSpec
from ninefold.studies import recipes
from ninefold.studies.check import faults
from ninefold.studies.description import Condition, Photos
from ninefold.studies.perform import perform
from ninefold.studies.plan import plan


def of(source) -> "recipes.Study":
    return replace(recipes.find("smoke"), conditions=[Condition("pairs", "Pairs", (source,))])


class FirstThing:
    """An engine that asks of each caption what it names first."""

    name = "first_thing"

    def settings(self):
        return {}

    def generate(self, captions):
        return [Generated((Pair("What is it next to?", text.text.split()[1], "near_close"),)) for text in captions]


def test_pairs_of_a_world_are_made_once_from_its_descriptions(tmp_path: Path, monkeypatch) -> None:
    register_engine("first_thing", lambda spec: FirstThing())
    options = {"engine": "first_thing", "checks": ChecksSpec(checks=())}
    study = of(Photos(WorldSpec(pictures=20, seed=2), options, source="pairs"))
    assert faults(study) == []
    tasks = [task for task in plan(study, tmp_path / "a").tasks if task.is_data][-2:]
    assert {task.key for task in tasks} <= {task.key for task in plan(study, tmp_path / "b").tasks}
    for task in tasks:
        perform(task, Resident(), progress=False)
    made = Dataset.open(tasks[-1].folder)
    assert made.splits == {"train": 19, "validation": 1}
    # What is made is not looked into again: a machine without the engine can train on it.
    monkeypatch.setattr("ninefold.captions.run.run", lambda *_, **__: pytest.fail("made again"))
    perform(tasks[-1], Resident(), progress=False)
    told = DescriptionsSpec(tasks[-1].folder, embed=False)
    captions = [json.loads(line)["caption"] for line in (tasks[0].folder / "captions.jsonl").read_text().splitlines()]
    answers = {row.answer for split in source_of(told).splits().values() for row in split.examples}
    assert answers == set(captions)


def test_descriptions_of_a_world_come_after_its_pairs(tmp_path: Path) -> None:
    world = WorldSpec(pictures=4, seed=2)
    both = [Condition(name, name, (Photos(world, source=name),)) for name in ("pairs", "descriptions")]
    study = replace(recipes.find("smoke"), conditions=both)
    tasks = {task.folder.name[:-9]: task for task in plan(study, tmp_path).tasks}
    assert tasks["train-descriptions"].needs == (tasks["train-pairs"].key,)
    assert tasks["train-descriptions"].work == DescriptionsSpec(tasks["train-pairs"].folder)
    assert faults(study) == []


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
