"""Recipes for the paper's open questions: conditions that differ in one thing."""

from dataclasses import asdict
from pathlib import Path

from ninefold.studies.plan import plan, train_spec
from ninefold.studies.recipes import find


def test_each_condition_of_the_collapse_switches_one_flaw(tmp_path: Path) -> None:
    study = find("collapse")
    specs = {one.name: asdict(one.sources[0].spec(tmp_path)) for one in study.conditions}
    control = specs.pop("collapse-control")
    changed = {name: {key for key in spec if spec[key] != control[key]} for name, spec in specs.items()}
    flaws = {"positions", "categories", "noise", "ambiguous", "subset"}
    assert changed == {
        **{f"collapse-{flaw}": {flaw} for flaw in flaws - {"subset"}},
        "collapse-size": {"subset"},
        "collapse-all": flaws,
    }


def test_mixtures_hold_the_same_number_of_examples(tmp_path: Path) -> None:
    study = find("mixtures")
    weights = [train_spec(study.models[0], one, 0, (tmp_path,) * len(one.sources)).weights for one in study.conditions]
    assert weights == [(), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75), ()]
    keys = {task.key for task in plan(study, tmp_path).tasks if "seed" in task.folder.name}
    assert len(keys) == 5 * 3 * 3  # a training and two evaluations each
