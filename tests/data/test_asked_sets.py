"""Every question on the synthetic sets, those of a user among them."""

from dataclasses import dataclass

import pytest

from ninefold.analysis.balance import within
from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.protocol import Skips
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec, examples
from ninefold.data.sources.synthetic_design import SyntheticDesign
from ninefold.design import option_orders
from ninefold.errors import DesignError
from ninefold.questions.catalog import QUESTIONS, find_question, register_question
from ninefold.types import Scene

CHANCE = {"horizontal_position": "1/3", "vertical_position": "1/3", "color": "1/6", "shape": "1/4"}
SMALL = {"canvas": 48, "grid": 3}


def stated(rows):
    names = ("id", "question", "prompt", "options", "answer", "group")
    columns = {name: [getattr(row, name) for row in rows] for name in names}
    return within(columns | {name: [row.factors[name] for row in rows] for name in rows[0].factors})


def bounds(found):
    return {bound["reduced"] for bound in found["text_only"]}


@pytest.mark.parametrize("question", CHANCE)
@pytest.mark.parametrize("split", ["test", "train"])
def test_text_tells_exactly_nothing(question, split):
    for part in examples(SyntheticSpec(split, question=question, seed=2)).values():
        found = stated(list(part))
        assert bounds(found) == {CHANCE[question]}
        assert all(bound.get("mutual_information_bits", 0) == 0 for bound in found["text_only"])


@pytest.mark.parametrize("question", CHANCE)
def test_what_is_exact_about_the_test_set(question):
    rows = list(examples(SyntheticSpec("test", question=question, seed=1))["test"])
    assert len(rows) == len({row.id for row in rows}) == 3888
    marginals = {tuple(entry["factors"]): entry for entry in stated(rows)["marginals"]}
    exact = {factors for factors, entry in marginals.items() if entry["exact"]}
    everywhere = {("slot",), ("answer",), ("answer", "slot"), ("cell_row", "slot"), ("cell_col", "slot"),
                  ("size", "slot"), ("cell", "slot"), ("region", "slot"), ("question", "order", "answer")}  # fmt: skip
    assert everywhere <= exact
    assert (("object", "slot") in exact) == (question != "shape")  # 162 items of an object over 4 slots
    assert marginals["object", "slot"]["max"] - marginals["object", "slot"]["min"] <= 1


@pytest.mark.parametrize(
    ("question", "sizes", "looks"),
    [("color", (780, 192), 6), ("shape", (520, 128), 4), ("horizontal_position", (1296, 324), 10)],
)
def test_the_training_pool_keeps_what_can_be_answered(question, sizes, looks):
    source = SyntheticSource(SyntheticSpec("train", question=question))
    parts = {split: list(part.examples) for split, part in source.splits().items()}
    assert tuple(len(rows) for rows in parts.values()) == sizes
    assert len({row.factors["object"] for rows in parts.values() for row in rows}) == looks
    assert sum(entry["count"] for entry in source.skips.entries) == 10 - looks
    groups = [{row.group for row in rows} for rows in parts.values()]
    assert not groups[0] & groups[1]
    assert source.settings()["holdout"] == ("object" if looks == 10 else "block")
    if looks < 10:
        answers = {}
        for row in (row for rows in parts.values() for row in rows):
            answers.setdefault(row.group, []).append(row.answer)
        assert all(len(set(found)) == len(found) == looks for found in answers.values())


@pytest.mark.parametrize("question", QUESTIONS)
def test_sets_are_made_and_verified(tmp_path, question):
    source = SyntheticSource(SyntheticSpec("train", question=question, seed=5, **SMALL))
    data = make(source, tmp_path / "set")
    found = verify(tmp_path / "set")
    labels = QUESTIONS[question].labels
    assert (data.question, data.labels, data.source, data.clustering) == (question, labels, "synthetic", "census")
    assert (found["question"], found["source"]) == (question, "synthetic")
    assert {bound for part in found["splits"].values() for bound in bounds(part)} == {f"1/{len(labels)}"}
    card = (tmp_path / "set" / "README.md").read_text()
    assert f"- question: `{question}`" in card and f"labels: {', '.join(labels)}." in card


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"question": "colour"}, r"unknown question 'colour'; did you mean color\?"),
        ({"question": "color", "distractors": 2}, "color: it does not name the object.*leave --distractors out"),
        ({"question": "shape", "holdout": "object"}, "its answer depends on the object.*use --holdout block"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_one_line(settings, message):
    with pytest.raises(DesignError, match=message) as error:
        SyntheticSource(SyntheticSpec("train", **settings)).splits()
    assert "\n" not in str(error.value)


def slots(question, grid, seed):
    """The slot of the answer to each item of a test set."""
    asked = find_question(question)
    design = SyntheticDesign(SyntheticSpec("test", question=question, grid=grid, seed=seed), asked, Skips())
    orders = option_orders(design.relabeling_seed, len(asked.labels))
    return [orders[item.order].index(item.answer) for item in design.splits()["test"]]


def test_the_slots_are_those_of_the_design():
    rows = examples(SyntheticSpec("test", grid=3, canvas=48, seed=11))["test"]
    assert [row.factors["slot"] for row in rows] == slots("absolute_position", 3, 11)


def test_nine_seeds_in_a_row_put_every_answer_of_the_test_set_once_in_every_slot():
    found = [slots("absolute_position", 9, seed) for seed in range(20, 29)]
    assert all(sorted(of_item) == list(range(9)) for of_item in zip(*found, strict=True))


@dataclass
class Asked:
    """A question of a user's own."""

    name: str
    labels: tuple[str, ...]
    answer: object
    answer_format: str = "labels"

    def ask(self, scene: Scene) -> tuple[str, str]:
        thing = scene.things[0]
        return f"What of the {thing.look}?", self.labels[self.answer(thing, scene.grid)]


@pytest.mark.parametrize(
    "own",
    [
        Asked("six", tuple("uvwxyz"), lambda t, grid: 3 * (t.size == "small") + t.cell.row * 3 // grid),
        Asked("nine", tuple("ihgfedcba"), lambda t, grid: 3 * (t.cell.row * 3 // grid) + t.cell.col * 3 // grid),
        Asked("rows", tuple(f"row {k}" for k in range(9)), lambda t, grid: t.cell.row * 9 // grid),
        Asked("two", ("large one", "small one"), lambda t, grid: int(t.size == "small")),
    ],
    ids=lambda own: own.name,
)
def test_questions_with_any_labels(tmp_path, monkeypatch, own):
    monkeypatch.setattr("ninefold.questions.catalog.QUESTIONS", dict(QUESTIONS))
    register_question(own)
    rows = list(examples(SyntheticSpec("test", question=own.name, seed=4))["test"])
    for bound in stated(rows)["text_only"]:
        assert bound["reduced"] == f"1/{len(own.labels)}" or bound["view"] not in ("prompt", "question", "options")
    if own.name != "rows":  # which needs nine rows of cells
        make(SyntheticSource(SyntheticSpec("train", question=own.name, distractors=1, **SMALL)), tmp_path / "set")
        assert verify(tmp_path / "set")["question"] == own.name


def test_a_label_that_no_scene_answers_is_refused(monkeypatch):
    monkeypatch.setattr("ninefold.questions.catalog.QUESTIONS", dict(QUESTIONS))
    register_question(Asked("rows", tuple(f"row {k}" for k in range(9)), lambda t, grid: t.cell.row * 9 // grid))
    with pytest.raises(DesignError, match="no scene of the test set has the answer row 1 or row 2"):
        SyntheticSource(SyntheticSpec("test", question="rows", **SMALL)).splits()


@pytest.mark.parametrize(
    ("question", "grid", "n"),
    [("absolute_position", 9, 9), ("absolute_position", 6, 9), ("horizontal_position", 9, 3),
     ("horizontal_position", 6, 3), ("color", 9, 6), ("shape", 9, 4)],
)  # fmt: skip
@pytest.mark.parametrize("block", [0, 2])
def test_a_block_of_seeds_puts_every_answer_once_in_every_slot(question, grid, n, block):
    found = [slots(question, grid, seed) for seed in range(n * block, n * block + n)]
    assert all(len(set(of_item)) == n for of_item in zip(*found, strict=True))


def test_the_card_says_that_text_tells_nothing_only_where_it_does(monkeypatch):
    monkeypatch.setattr("ninefold.questions.catalog.QUESTIONS", dict(QUESTIONS))
    register_question(
        Asked("parity", ("even", "odd"), lambda t, grid: (t.cell.row * 3 // grid + t.cell.col * 3 // grid) % 2)
    )
    uneven = SyntheticSource(SyntheticSpec("test", question="parity")).about().description
    assert "text alone gives answers away as far as certificate.json states" in uneven and "nothing" not in uneven
    for question in ("absolute_position", "color"):
        assert (
            "text alone tells nothing" in SyntheticSource(SyntheticSpec("train", question=question)).about().description
        )
