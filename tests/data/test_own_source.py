from dataclasses import dataclass
from pathlib import Path

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.protocol import Source, Split
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
