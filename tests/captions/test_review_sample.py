import numpy as np
import pytest
import review_set

from ninefold.captions.review import sample
from ninefold.captions.review.sample import Sample, SampleSpec, allocate, sample_size
from ninefold.errors import RunError


def test_size_is_that_of_the_paper():
    assert sample_size(455_494) == 384


@pytest.mark.parametrize(
    ("population", "options", "size"),
    [
        (1, {}, 1),
        (100, {}, 80),
        (10**9, {}, 385),
        (455_494, {"margin": 0.03}, 1065),
        (455_494, {"confidence": 0.99}, 663),
    ],
)
def test_size_follows_the_formula(population, options, size):
    assert sample_size(population, **options) == size


def test_size_refuses_shares_outside_of_0_and_1():
    with pytest.raises(RunError, match=r"^margin 0: must be between 0 and 1$"):
        sample_size(100, margin=0)


def test_relations_get_shares_by_largest_remainders_and_a_few_at_least():
    # Two rare relations are raised to 3; of the other 94, left gets 60.0, right 33.4 and on 0.6 before rounding.
    sizes = {"left": 6000, "right": 3340, "on": 660, "far": 40, "opposite": 2}
    assert allocate(sizes, 100) == {"left": 57, "right": 32, "on": 6, "far": 3, "opposite": 2}


def test_shares_add_up_and_never_exceed_what_there_is():
    chance = np.random.default_rng(0)
    for _ in range(300):
        sizes = {str(name): int(size) for name, size in enumerate(chance.integers(1, 50, chance.integers(1, 30)))}
        total = int(chance.integers(1, 400))
        drawn = allocate(sizes, total)
        assert sum(drawn.values()) == min(total, sum(sizes.values()))
        assert all(0 <= drawn[name] <= size for name, size in sizes.items())
        for least, room in ((1, 1), (2, 4), (3, 6)):
            if total >= room * len(sizes):
                assert all(drawn[name] >= min(least, size) for name, size in sizes.items())


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    relations = ["left"] * 30 + ["right"] * 20 + ["far"] * 4
    folder = tmp_path_factory.mktemp("pairs") / "set"
    return review_set.make(folder, [review_set.row(number, name) for number, name in enumerate(relations)])


def test_sample_is_stratified_and_the_same_every_time(pairs):
    drawn = sample.draw(pairs, 18)
    names = [pair.relation for pair in drawn.pairs]
    assert {name: names.count(name) for name in names} == {"left": 9, "right": 6, "far": 3}
    assert drawn == sample.draw(pairs, 18)
    assert drawn != sample.draw(pairs, 18, seed=1)
    examples = pairs.sequence("train")
    assert [examples[pair.row].id for pair in drawn.pairs] == [pair.id for pair in drawn.pairs]
    assert drawn.relations == {"far": 4, "left": 30, "right": 20}


def test_stored_sample_is_kept_and_grows_around_what_is_judged(pairs, tmp_path):
    first = sample.stored(pairs, tmp_path, SampleSpec(18), ())
    assert sample.stored(pairs, tmp_path, SampleSpec(), ()) == first == Sample.read(tmp_path / "sample.json")
    more = sample.stored(pairs, tmp_path, SampleSpec(27), [pair.id for pair in first.pairs])
    assert {pair.id for pair in first.pairs} < {pair.id for pair in more.pairs}
    with pytest.raises(RunError, match=r"holds 27 pairs, and .* judged so far would not be in a sample of 3"):
        sample.stored(pairs, tmp_path, SampleSpec(3), [pair.id for pair in more.pairs])


def test_sample_of_other_rows_is_refused(pairs, tmp_path):
    sample.stored(pairs, tmp_path, SampleSpec(5), ())
    text = (tmp_path / "sample.json").read_text()
    (tmp_path / "sample.json").write_text(text.replace(pairs.fingerprint("train"), "other"))
    with pytest.raises(RunError, match="is a sample of other pairs"):
        sample.stored(pairs, tmp_path, SampleSpec(), ())
    (tmp_path / "sample.json").write_text('{"format": 1, "pairs": [7]}')
    with pytest.raises(RunError, match=r"is no sample of pairs .*; move it elsewhere"):
        sample.stored(pairs, tmp_path, SampleSpec(), ())
