"""Descriptions with anything anywhere: faults are told in one line each, and nothing raises another error."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from ninefold.data.sources.synthetic import SyntheticSpec
from ninefold.errors import RunError
from ninefold.models.spec import ModelSpec
from ninefold.studies import recipes
from ninefold.studies.check import check_form, faults
from ninefold.studies.description import Condition, Probe, StudyModel
from ninefold.studies.description import Test as StudyTest
from ninefold.studies.plan import plan

TRAIN, TEST = SyntheticSpec("train"), SyntheticSpec("test")


def condition(**changes):
    return {"conditions": [Condition(**{"name": "a", "title": "A", "sources": (TRAIN,), **changes})]}


def asked(**changes):
    return {"tests": [StudyTest(**{"name": "t", "title": "T", "source": TEST, **changes})]}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": None}, "models: None is no Sequence[StudyModel]"),
        ({"models": ["scripted"]}, "models[0]: 'scripted' is no Sequence[StudyModel]"),
        ({"models": StudyModel("S", "scripted")}, "models: StudyModel("),
        ({"models": [StudyModel("S", ModelSpec("scripted", adapter=Path("x")))]}, "name the model without an adapter"),
        ({"models": [StudyModel("S", "scripted"), StudyModel("S", "nano")]}, "model S: named twice"),
        ({"name": "../x"}, "study '../x': a name is made of"),
        ({"overlap": "no"}, "overlap: 'no' is no Literal['refuse', 'allow']"),
        ({"figures": ["map"]}, "figure 'map': there are collapse, clip"),
        ({"seeds": 3}, "seeds: 3 is no Sequence[int]"),
        ({"seeds": {0, 1}}, "seeds: {0, 1} is no Sequence[int]"),
        ({"seeds": [True]}, "seeds[0]: True is no Sequence[int]"),
        ({"seeds": [2**32]}, "seed 4294967296: seeds are whole numbers from 0 to 4294967295"),
        ({"probes": [Probe("synthetic", "base")]}, "probes[0].conditions: 'base' is no tuple[str, ...]"),
        (condition(name="a" * 61), "a name is made of"),
        (condition(name=3), "conditions[0].name: 3 is no str"),
        (condition(title=" "), "condition title ' ': one line of text is needed"),
        (condition(title="a\x1b[2J\n"), "condition title 'a\\x1b[2J\\n': one line of text is needed"),
        (condition(sources=3), "conditions[0].sources: 3 is no tuple[Any, ...]"),
        (condition(sources=("data/x",)), "condition a: data/x: no such folder"),
        (condition(sources=(TEST,)), "condition a: its source makes test, and no split 'train'"),
        (condition(options=None), "conditions[0].options: None is no Mapping[str, Any]"),
        (condition(options={"seed": 3}), "condition a: option seed: the study sets it"),
        (condition(options={"epochs": "3"}), "condition a: option epochs: '3' is no int"),
        (asked(options={"limit": 0}), "test t: --limit 0: at least one example must be asked"),
        (asked(options={"limit": "9"}), "test t: option limit: '9' is no int | None"),
        (asked(options={"split": "train"}), "test t: its source makes test, and no split 'train'"),
        (asked(conditions="base"), "tests[0].conditions: 'base' is no tuple[str, ...] | None"),
    ],
)
def test_whatever_stands_in_a_description_is_a_fault_in_words(smoke, changes, told):
    found = faults(replace(smoke, **changes))
    assert len(found) == 1
    assert told in found[0]


def test_a_plan_of_unknown_options_is_refused_in_words(smoke):
    with pytest.raises(
        RunError, match=r"condition a: there is no option 'epoch' \(did you mean 'epochs'\?\); nothing was"
    ):
        check_form(replace(smoke, **condition(options={"epoch": 3})))


def test_any_kind_of_sequence_is_taken_once(smoke, tmp_path):
    conditions = [Condition("a", "A", (source for source in [TRAIN]))]
    study = replace(smoke, models=iter([StudyModel("S", "scripted")]), conditions=conditions, seeds=np.arange(2))
    assert faults(study) == []
    assert len(plan(study, tmp_path).record.runs) == 2 + 2 * 3
    assert plan(study, tmp_path).record.to_json()["seeds"] == [0, 1]


def converted(hint, text):
    def mine(value: hint):
        return value

    mine.__annotations__["value"] = hint
    return recipes._converted("mine", mine, "value", text)


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (bool, "False", False),
        (int | None, "none", None),
        (int | None, "3", 3),
        (tuple[int, ...], "1,2", (1, 2)),
        (list[str], "a,b", ["a", "b"]),
        (Literal["a", "b"], "b", "b"),
        (Path, "x/y", Path("x/y")),
    ],
)
def test_a_parameter_has_its_type(hint, text, value):
    assert converted(hint, text) == value


@pytest.mark.parametrize(
    ("hint", "text", "told"),
    [
        (bool, "maybe", "value=maybe: give one of true, false"),
        (int, "1.5", "give a value of type int"),
        (float, "nan", "give a finite number"),
        (Literal["a", "b"], "c", "give one of a, b"),
    ],
)
def test_a_parameter_of_another_type_is_refused(hint, text, told):
    with pytest.raises(RunError, match=told):
        converted(hint, text)


def test_a_function_that_exits_is_refused(monkeypatch):
    monkeypatch.setattr(recipes, "_function", lambda _: exit)
    with pytest.raises(RunError, match="its function fails"):
        recipes.find("mine.py:mine")


def test_one_source_stands_alone():
    assert Condition("c", "C", SyntheticSpec("train")).sources == (SyntheticSpec("train"),)
    assert Condition("c", "C", "data/x").sources == (Path("data/x"),)
