from dataclasses import dataclass
from pathlib import Path

import pytest

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.catalog import SOURCES, register_source
from ninefold.data.sources.protocol import Source, Split
from ninefold.errors import DataError, DesignError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.score import score
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.space import Cell
from ninefold.types import Example, Scene, Thing


@dataclass(frozen=True)
class TwoSpec:
    """Two examples."""

    folder: Path = Path("images")
    """A path, which the manifest keeps as text."""


class Two(Source):
    """Two examples of a circle.

    More about them.
    """

    name = "two"
    spec_type = TwoSpec

    def splits(self):
        return {"test": Split(map(self._example, ("red", "blue")), 2)}

    def _example(self, color):
        image = Scene((Thing("circle", color, "large", Cell(0, 0)),), canvas=90)
        return Example(color, image, "Color?", "Color? red, blue", ("red", "blue"), color, group=color)


def test_a_source_needs_a_name_a_specification_and_splits(tmp_path):
    source = Two(TwoSpec())
    assert source.embed
    assert source.settings() == {"folder": "images"}
    about = source.about()
    assert (about.title, about.source, about.question, about.labels) == ("two", "two", None, ())
    assert about.description == "Two examples of a circle.\n\nMore about them."
    assert Two.facts({}, None).rows == ()
    data = make(source, tmp_path / "two")
    assert data.splits == {"test": 2}
    assert data.source == "two"
    assert verify(tmp_path / "two")["statements"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (type("Verify", (Two,), {"name": "verify"}), "`ninefold data` has a command of this name"),
        (type("Questions", (Two,), {"name": "questions"}), "`ninefold data` has a command of this name"),
        (type("Coco", (Two,), {"name": "coco"}), "ninefold has one of this name"),
        (type("Nameless", (), {"spec_type": TwoSpec}), "source Nameless: needs a name, and spec_type"),
        (type("Specless", (), {"name": "less"}), "source Specless: needs a name, and spec_type"),
        (type("Plain", (), {"name": "plain", "spec_type": int}), "source Plain: needs a name, and spec_type"),
    ],
)
def test_sources_that_the_command_line_could_not_offer_are_refused(source, message):
    before = dict(SOURCES)
    with pytest.raises(DesignError, match=message):
        register_source(source)
    assert before == SOURCES


class Scored(Two):
    """Two examples with figures of their own."""

    name = "scored"

    @staticmethod
    def measures(table):
        return {"circles": {"n": len(table), "value": 0.5, "ci95": None}}, {}


def test_a_source_with_figures_of_its_own_is_a_benchmark(tmp_path, monkeypatch):
    monkeypatch.setitem(SOURCES, "scored", Scored)
    make(Scored(TwoSpec()), tmp_path / "data")
    spec = EvaluateSpec(ModelSpec("fake"), tmp_path / "data")
    figures = evaluate(spec, tmp_path / "run", model=FakeModel(lambda each: "red"), progress=False)["benchmark"]
    assert (figures["name"], figures["main"], figures["conditions"]["unread"]) == ("scored", "circles", 0)
    monkeypatch.delitem(SOURCES, "scored")
    with pytest.raises(DataError, match="its benchmark 'scored' is not known here; load it with --plugin FILE"):
        score(tmp_path / "run")
