import shutil
from dataclasses import replace

import pytest

from ninefold.nano.spec import WorldSpec
from ninefold.studies import recipes
from ninefold.studies.description import Photos
from ninefold.studies.run import run

RESULTS = ("metrics.json", "scores.parquet", "predictions.parquet", "adapter_model.safetensors", "study.json")
"""Files that are the same however often a study was interrupted."""


@pytest.fixture(scope="session")
def results():
    """A function from a study's folder to the content of every result in it, by path."""

    def read(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for name in RESULTS for path in folder.rglob(name)}

    return read


@pytest.fixture(scope="session")
def smoke():
    """The smallest study, made smaller."""
    study = recipes.find("smoke", {"seeds": "1"})
    small = [replace(test, options={"limit": 45}) for test in study.tests]
    return replace(study, conditions=study.conditions[:1], tests=small)


@pytest.fixture(scope="session")
def tiny(smoke):
    """A study of few examples: one training, two evaluations."""
    condition, test = smoke.conditions[0], smoke.tests[1]
    few = replace(condition, sources=(replace(condition.sources[0], subset=9),), options={})
    return replace(smoke, conditions=(few,), tests=(replace(test, source=Photos(WorldSpec(pictures=3))),))


@pytest.fixture(scope="session")
def done(smoke, tmp_path_factory):
    """A folder in which it is done."""
    out = tmp_path_factory.mktemp("study")
    result = run(smoke, out)
    assert not result.failed
    return out


@pytest.fixture
def copied(done, tmp_path):
    return shutil.copytree(done, tmp_path / "study")
