"""Subsets of the training pool: whole blocks, so that text alone tells nothing at any size."""

from collections import Counter
from pathlib import Path

import pytest
from tampering import edit_json

from ninefold.data.checks import certificate
from ninefold.data.make import make
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec, examples
from ninefold.errors import DataError, DesignError
from ninefold.space import LABELS
from ninefold.store import read_json

SMALL = {"canvas": 48, "grid": 3}


@pytest.fixture(scope="module")
def subsets():
    """The training rows of every certified size of the paper's scaling curve."""
    sizes = (9, 63, 126, 324, 648, 972, 1296)
    return {size: list(examples(SyntheticSpec("train", subset=size, seed=2))["train"]) for size in sizes}


def test_a_subset_has_its_size_and_lies_in_every_larger_one_and_in_the_whole(subsets):
    whole = list(examples(SyntheticSpec("train", seed=2))["train"])
    for size, larger in zip(subsets, [*list(subsets.values())[1:], whole], strict=True):
        assert len(subsets[size]) == size
        ids = {row.id for row in subsets[size]}
        assert [row for row in larger if row.id in ids] == subsets[size]
    assert subsets[1296] == whole


def test_text_alone_tells_nothing_at_any_size(subsets):
    for rows in subsets.values():
        prompts = Counter(row.prompt for row in rows)
        answers = Counter((row.prompt, row.answer) for row in rows)
        assert all(answers[prompt, label] * 9 == prompts[prompt] for prompt in prompts for label in LABELS)
        assert len(set(Counter(row.factors["slot"] for row in rows).values())) == 1


def test_factors_are_as_even_as_whole_blocks_allow(subsets):
    for size, rows in subsets.items():
        for factor, levels in (("object", 8), ("size", 2), ("order", 18)):
            counts = Counter(row.factors[factor] for row in rows)
            low, high = (min(counts.values()) if len(counts) == levels else 0), max(counts.values())
            assert high - low <= 9 * (3 if factor == "object" else 1), (size, factor)
        if size % 162 == 0:
            assert set(Counter((row.answer, row.factors["slot"]) for row in rows).values()) == {size // 81}


def test_the_seed_decides_which_blocks_are_kept():
    one, two = (
        {row.group for row in examples(SyntheticSpec("train", subset=63, seed=seed))["train"]} for seed in (0, 9)
    )
    assert (len(one), len(two)) == (7, 7)
    assert one != two


@pytest.mark.parametrize(
    ("size", "nearest"), [(130, "126 or 135"), (5, "9"), (0, "9"), (-9, "9"), (1295, "1287 or 1296"), (2000, "1296")]
)
def test_a_size_without_whole_blocks_is_refused_with_the_nearest_ones(size: int, nearest: str):
    with pytest.raises(
        DesignError, match=rf"--subset {size}: .* blocks of 9, at most 1,296 examples; nearest: {nearest}$"
    ):
        examples(SyntheticSpec("train", subset=size))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"split": "test"}, "--subset 9: the test set is asked whole"),
     ({"split": "train", "holdout": "random"}, "text gives answers away, .* leave --holdout random out")],
)  # fmt: skip
def test_no_subset_of_a_test_set_or_of_a_design_without_certificate(settings: dict, message: str):
    with pytest.raises(DesignError, match=message):
        examples(SyntheticSpec(**settings, subset=9))


def test_a_subset_is_written_verified_and_told_from_the_whole(tmp_path: Path):
    make(SyntheticSource(SyntheticSpec("train", **SMALL)), tmp_path / "whole")
    assert "subset" not in read_json(tmp_path / "whole" / "manifest.json")["spec"]
    made = make(SyntheticSource(SyntheticSpec("train", subset=18, distractors=1, **SMALL)), tmp_path / "part")
    assert made.splits == {"train": 18, "validation": 36}
    assert certificate.verify(tmp_path / "part")["splits"]["train"]["text_only"][0]["reduced"] == "1/9"
    assert "18 examples to train on are kept, in whole blocks" in (tmp_path / "part" / "README.md").read_text()
    edit_json(tmp_path / "part" / "manifest.json", lambda found: found["spec"].update(subset=27))
    with pytest.raises(DataError, match="was edited"):
        certificate.verify(tmp_path / "part")


@pytest.mark.parametrize(("question", "size"), [("horizontal_position", 3), ("color", 6)])
def test_blocks_of_other_questions_have_as_many_examples_as_labels(question: str, size: int):
    rows = list(examples(SyntheticSpec("train", question=question, subset=size))["train"])
    assert sorted(row.answer for row in rows) == sorted(
        SyntheticSource(SyntheticSpec("train", question)).question.labels
    )
