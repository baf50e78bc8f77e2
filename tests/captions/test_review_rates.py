import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from ninefold.analysis.agreement import agreement, cohen_kappa, fleiss_kappa, krippendorff_alpha
from ninefold.analysis.statistics import wilson
from ninefold.captions.review import text
from ninefold.captions.review.rates import summarize
from ninefold.captions.review.sample import Sample, SampledPair
from ninefold.captions.review.verdicts import Verdict
from ninefold.errors import RunError


def test_kappa_of_two_judges():
    chance = np.random.default_rng(0)
    first = chance.integers(0, 3, 80)
    second = np.where(chance.random(80) < 0.6, first, chance.integers(0, 3, 80))
    ratings = [[str(one), str(other)] for one, other in zip(first, second, strict=True)]
    assert cohen_kappa(ratings) == pytest.approx(cohen_kappa_score(first, second))
    assert cohen_kappa([["right", "right"]] * 4) is None


def test_kappa_of_more_judges():
    # The example of Fleiss 1971 as it is usually given: 10 items, 14 judges, 5 categories; kappa 0.210.
    counts = [
        (0, 0, 0, 0, 14), (0, 2, 6, 4, 2), (0, 0, 3, 5, 6), (0, 3, 9, 2, 0), (2, 2, 8, 1, 1), (7, 7, 0, 0, 0),
        (3, 2, 6, 3, 0), (2, 5, 3, 2, 2), (6, 5, 2, 1, 0), (0, 2, 2, 3, 7),
    ]  # fmt: skip
    ratings = [[str(kind) for kind, count in enumerate(row) for _ in range(count)] for row in counts]
    assert fleiss_kappa(ratings) == pytest.approx(0.210, abs=5e-4)


def test_alpha_with_missing_verdicts():
    # The example of Krippendorff 2011 (Computing Krippendorff's alpha-reliability, part C): 4 judges; nominal 0.743.
    judges = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    columns = zip(*(judge.split() for judge in judges), strict=True)
    ratings = [[None if one == "." else one for one in row] for row in columns]
    assert krippendorff_alpha(ratings) == pytest.approx(0.743, abs=5e-4)


def test_agreement_counts_what_several_have_judged():
    found = agreement([["a", "a", None], ["a", "b", "b"], [None, "a", None]])
    assert (found.judges, found.items, found.common) == (3, 2, 1)
    assert found.raw == pytest.approx((1 + 1) / (1 + 3))
    assert agreement([["a", None], [None, "b"]]) is None
    assert agreement([]) is None


def of(relations, verdicts):
    """Return the summary of a sample with a pair for each letter, and a string of verdicts for each judge."""
    letters = {"r": "right", "w": "wrong relation", "o": "wrong object", "n": "not spatial", "s": "skip"}
    names = [name for name, (count, _) in relations.items() for _ in range(count)]
    pairs = tuple(SampledPair(str(at), at, name) for at, name in enumerate(names))
    given = {
        judge: {str(at): Verdict(str(at), letters[one]) for at, one in enumerate(row) if one in letters}
        for judge, row in verdicts.items()
    }
    return summarize(Sample("train", "f", 0, {name: size for name, (_, size) in relations.items()}, pairs), given)


def test_rates_of_the_whole_weight_each_relation_by_its_pairs():
    found = of({"left": (4, 900), "far": (4, 100)}, {"ann": "rrrwwoon"})
    assert found.overall["any fault"].value == pytest.approx(0.9 * 1 / 4 + 0.1 * 4 / 4)
    assert found.overall["wrong relation"].value == pytest.approx(0.9 * 1 / 4 + 0.1 * 1 / 4)
    effective = (4 * 225 + 4 * 25) ** 2 / (4 * 225**2 + 4 * 25**2)
    assert found.overall["any fault"].low == pytest.approx(float(wilson(0.325 * effective, effective)[0]))
    left, far = found.relations
    assert (left.relation, left.judged, left.rates["any fault"].value) == ("left", 4, 0.25)
    assert (far.rates["wrong object"].value, far.rates["not spatial"].value) == (0.5, 0.25)
    assert left.rates["any fault"].low == pytest.approx(float(wilson(1, 4)[0]))


def test_equal_weights_give_the_plain_interval():
    found = of({"left": (10, 10)}, {"ann": "rrrrrrrrww"}).overall["any fault"]
    assert (found.low, found.high) == pytest.approx(tuple(float(end) for end in wilson(2, 10)))


def test_skipped_and_open_pairs_do_not_count():
    found = of({"left": (5, 50), "far": (1, 9)}, {"ann": "rws"})
    assert (found.judged, found.skipped, found.sampled, found.pairs) == (2, 1, 6, 59)
    assert found.overall["any fault"].value == 0.5
    assert found.relations[1].rates["any fault"].value is None
    assert of({"left": (2, 2)}, {}).overall["any fault"].value is None


def test_several_judges_share_a_pair():
    found = of({"left": (4, 4)}, {"ann": "rrwr", "bob": "rowr"})
    assert found.overall["any fault"].value == pytest.approx((0 + 0.5 + 1 + 0) / 4)
    assert found.agreement["verdict"].raw == 0.75
    assert found.judges["bob"]["wrong object"] == 1


def test_sentences_name_the_papers_rates():
    lines = "\n".join(text.sentences(of({"left": (4, 900), "far": (4, 100)}, {"ann": "rrrwwoon", "bob": "rrrwwoor"})))
    assert "8 of 8 sampled pairs judged, 0 skipped, of 1,000 pairs" in lines
    assert "wrong object" in lines
    assert "Cohen's kappa 0.82 on 8" in lines
    assert next(line for line in lines.splitlines() if line.startswith("wrong object")).endswith("3\u202f%")


def test_csv_is_harmless_in_a_spreadsheet():
    pair = dict.fromkeys(("relation", "frame", "subject", "object", "answer", "source_span"), "")
    row = text.to_csv(
        [("ann", Verdict("a", "right", '=1+1 "x"', 1.25), {**pair, "question": "@SUM(A1)"})]
    ).splitlines()[1]
    assert row == 'ann,a,,,,,\'@SUM(A1),,,right,"\'=1+1 ""x""",1.2,'


def test_export_replaces_only_an_earlier_one(tmp_path):
    path = tmp_path / "verdicts.csv"
    text.export(path, text.to_csv([]))
    text.export(path, text.to_csv([]))
    path.write_text("mine")
    with pytest.raises(RunError, match="holds something else than exported verdicts"):
        text.export(path, text.to_csv([]))
    assert path.read_text() == "mine"
