"""A source that shares nothing with those of the package: rows as VSR has them, from the file to the score."""

from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from ninefold import store
from ninefold.data.checks.certificate import verify
from ninefold.data.checks.facts import Fact, SourceFacts
from ninefold.data.format.card import About
from ninefold.data.make import make
from ninefold.data.sources.catalog import SOURCES, register_source, source_of
from ninefold.data.sources.protocol import Skips, Split
from ninefold.errors import DataError, DesignError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.types import Example, Scene, Thing

RELATIONS = ("behind", "facing away from", "left of")


@dataclass(frozen=True)
class StatementsSpec:
    """Statements about images, true or false."""

    rows: int = 24
    """How many."""


class Statements:
    name = "statements"
    spec_type = StatementsSpec
    embed = True

    def __init__(self, spec):
        self.spec, self.skips = spec, Skips()

    def splits(self):
        return {"test": Split(self._examples(), self.spec.rows)}

    def settings(self):
        return asdict(self.spec)

    def about(self):
        return About(
            "Statements", "True or false?", self.settings(), source=self.name, answer_format="true_false",
            columns={"category": "kind of relation"}, skipped=self.skips.entries,
        )  # fmt: skip

    @staticmethod
    def facts(spec, question):
        named = Fact(
            "the question names the relation", ("question", "relation"), lambda asked, relation: relation in asked
        )
        return SourceFacts(rows=(named,))

    def _examples(self):
        for number in range(self.spec.rows):
            relation = RELATIONS[number % 3]
            if number % 12 == 11:
                self.skips.add("nobody agrees on it", f"row {number}")
                continue
            options = (("True", "False"), ("Yes", "No"))[number % 2]
            asked = f"The car is {relation} the suitcase {number}."
            yield Example(
                id=f"s{number}",
                image=encode_png(Scene((Thing("star", "red", "large", Cell(number % 9, 0)),), canvas=90)),
                question=asked,
                prompt=f"{asked} {' or '.join(options)}?",
                options=options,
                answer=options[number // 2 % 2],
                answer_format="true_false",
                group=f"annotator {number % 4}",
                factors={"category": "projective" if number % 3 else "depth", "relation": relation, "cell_row": "none",
                         "region": "anywhere", "slot": -1, "order": number},
            )  # fmt: skip


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setattr("ninefold.data.sources.catalog.SOURCES", dict(SOURCES))
    register_source(Statements)


def edit(folder: Path, **changes):
    path = folder / "certificate.json"
    store.write_json(path, store.read_json(path) | changes)


def test_it_is_written_certified_verified_evaluated_and_scored(known, tmp_path):
    source = source_of(StatementsSpec())
    data = make(source, tmp_path / "set")
    assert (data.source, data.question, data.labels, data.clustering) == ("statements", None, (), "group")
    assert data.splits == {"test": 22}
    assert "nobody agrees on it | 2 |" in (tmp_path / "set" / "README.md").read_text()
    found = verify(tmp_path / "set")
    facts = [fact["fact"] for fact in found["splits"]["test"]["facts"]]
    assert facts[-1] == "the question names the relation" and len(facts) == 6
    assert ["answer", "slot"] in [entry["factors"] for entry in found["splits"]["test"]["marginals"]]
    assert not any("not known here" in limit for limit in found["limits"])

    model = FakeModel(lambda example: "That is correct." if "behind" in example.question else "No.")
    metrics = evaluate(EvaluateSpec(ModelSpec("fake"), tmp_path / "set"), tmp_path / "run", model=model, progress=False)
    right = sum(
        (row.answer in ("True", "Yes")) == ("behind" in row.question)
        for row in Statements(StatementsSpec())._examples()
    )
    assert (metrics["n"], metrics["invalid"], metrics["accuracy"]) == (22, 0, right / 22)
    assert "clustered by 4 groups" in metrics["interval"]
    assert list(metrics["confusion"]) == ["False", "No", "True", "Yes"]
    assert "by_cell" not in metrics


def test_its_facts_are_checked(known, tmp_path):
    class Lying(Statements):
        def _examples(self):
            for example in super()._examples():
                example.factors["relation"] = "under"
                yield example

    with pytest.raises(DataError, match="row s0: broken: the question names the relation"):
        make(Lying(StatementsSpec()), tmp_path / "set")


def test_where_it_is_not_known_what_holds_of_any_set_is_checked_and_said_to_be_all(known, monkeypatch, tmp_path):
    make(Statements(StatementsSpec()), tmp_path / "set")
    monkeypatch.setattr("ninefold.data.sources.catalog.SOURCES", dict(SOURCES))
    found = verify(tmp_path / "set")
    assert found["limits"][-1].startswith("The source 'statements' is not known here: of what it claims, 1 facts")
    edit(tmp_path / "set", source="synthetic")
    with pytest.raises(DataError, match="source: the certificate says"):
        verify(tmp_path / "set")


def test_images_of_an_unknown_source_are_still_those_of_the_manifest(tmp_path):
    data = make(Statements(StatementsSpec()), tmp_path / "set")
    import pyarrow as pa
    import pyarrow.parquet as pq

    (path,) = data.shards("test")
    table = pq.read_table(path)
    rows = table.to_pylist()
    rows[3]["image"], rows[4]["image"] = rows[4]["image"], rows[3]["image"]
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    with pytest.raises(DataError, match="row s3: broken: the decoded image"):
        verify(tmp_path / "set")


def test_sources_are_made_from_their_specification(known):
    assert isinstance(source_of(StatementsSpec()), Statements)
    with pytest.raises(DesignError, match="int: no source is made from it; known specifications: SyntheticSpec, Coco"):
        source_of(3)

    class Taken(Statements):
        name = "coco"

    with pytest.raises(DesignError, match="ninefold has one of this name"):
        register_source(Taken)
