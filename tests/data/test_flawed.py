"""Flawed sets: each flaw in its stated share, said on the card and in the certificate, and no other change."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ninefold.data.checks.certificate import verify
from ninefold.data.checks.shipped import read_columns
from ninefold.data.make import make
from ninefold.data.sources.coco.flawed import CROWDED, FlawedSource, FlawedSpec
from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.data.sources.coco.subset import nearest
from ninefold.errors import DataError, DesignError
from ninefold.space import LABELS


@pytest.fixture
def made(dotted: Path, tmp_path: Path) -> Callable[..., dict[str, list[Any]]]:
    def columns(**flaws: Any) -> dict[str, list[Any]]:
        spec = FlawedSpec(dotted / "annotations.json", dotted / "images", subset=72, embed=False, **flaws)
        return read_columns(make(FlawedSource(spec), tmp_path / "set"))["train"]

    return columns


def test_without_flaws_it_is_the_balanced_subset(dotted: Path) -> None:
    files = (dotted / "annotations.json", dotted / "images")
    plain = CocoSource(CocoSpec(*files, split="train", subset=72)).splits()
    flawed = FlawedSource(FlawedSpec(*files, subset=72)).splits()
    counts = Counter(example.answer for example in flawed["train"].examples)
    assert counts == Counter(example.answer for example in plain["train"].examples) == dict.fromkeys(LABELS, 8)


def test_positions_are_crowded_and_categories_stay_even(made: Callable[..., dict[str, list[Any]]]) -> None:
    columns = made(positions="crowded")
    regions = Counter(columns["region"])
    wanted = nearest(np.full(9, 72), 72, np.array(CROWDED, float)).tolist()
    assert regions["center"] <= wanted[4]
    assert regions["center"] > 1.5 * max(count for label, count in regions.items() if label != "center")
    assert sorted(Counter(columns["category"]).values()) == [24, 24, 24]
    assert columns["answer"] == columns["true_answer"] == columns["region"] and set(columns["instances"]) == {1}


def test_categories_are_long_tailed_and_positions_stay_even(made: Callable[..., dict[str, list[Any]]]) -> None:
    columns = made(categories="long-tailed")
    assert Counter(columns["region"]) == dict.fromkeys(LABELS, 8)
    assert sorted(Counter(columns["category"]).values()) == [13, 20, 39]  # 6/11, 3/11 and 2/11 of 72


def test_wrong_answers_and_ambiguous_questions_are_counted_and_said(
    made: Callable[..., dict[str, list[Any]]], tmp_path: Path
) -> None:
    columns = made(noise=0.25, ambiguous=0.5)
    wrong = [answer != right for answer, right in zip(columns["answer"], columns["true_answer"], strict=True)]
    assert sum(wrong) == 18 and sum(count > 1 for count in columns["instances"]) == 36
    assert columns["true_answer"] == columns["region"]
    found = verify(tmp_path / "set")
    assert "on purpose, 22 rows have a wrong answer" in found["verdict"]  # 18 and, of 18 for validation, 4
    assert "on purpose, 45 rows ask for one of several things of a category" in found["verdict"]
    assert "train: on purpose, 18 of 72 rows have a wrong answer." in found["statements"]
    card = (tmp_path / "set" / "README.md").read_text()
    assert "**25.0% of the answers are wrong**" in card and "50.0% of the questions are ambiguous" in card
    facts = FlawedSource.facts({"subset": 72, "noise": 0.5, "ambiguous": 0.5}, "absolute_position")
    prepared = facts.prepare(columns, "train")
    stated = [fact for fact in facts.rows if fact.columns[0].endswith("as stated")]
    broken = [fact.sentence for fact in stated if not prepared[fact.columns[0]][0]]
    assert broken == ["50.0% of the answers of its split are wrong"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"noise": 1.5}, DesignError, "--noise 1.5: must be a share, from 0 to 1"),
        ({"ambiguous": -0.1}, DesignError, "--ambiguous -0.1: must be a share"),
        ({"noise": 0.1, "split": "test"}, DesignError, "--noise 0.1: a test set has right answers only"),
        ({"subset": 0}, DesignError, "--subset 0: at least one question is needed"),
        ({"positions": "left"}, DesignError, "--positions 'left': choose one of even, crowded"),
        (
            {"subset": 300, "ambiguous": 0.5},
            DataError,
            "train needs 150 ambiguous questions, and there are 8.*; use --subset 16[0-9] or less",
        ),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(
    dotted: Path, change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        FlawedSource(FlawedSpec(dotted / "annotations.json", dotted / "images", **change)).splits()
