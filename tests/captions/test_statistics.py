"""The statistics of data sets: counts that can be counted by hand, and tables that fit."""

import re

import pytest
from pair_sets import COUNTED, save

from ninefold.captions.layout import COUNTS
from ninefold.captions.statistics import published, tables
from ninefold.captions.statistics.reading import read
from ninefold.captions.taxonomy import KEYWORDS
from ninefold.cli import main
from ninefold.errors import DataError, RunError


@pytest.fixture(scope="module")
def docci(tmp_path_factory):
    return save(tmp_path_factory.mktemp("sets") / "docci-pairs")


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    pairs = [("Is the dog far away from the cat?", "no")] * 2
    return save(tmp_path_factory.mktemp("sets") / "other", pairs, source="custom")


def stats(capsys, *arguments):
    main(["captions", "stats", *map(str, arguments)])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 100
    return shown


def test_counts_are_those_of_the_rows(docci, other):
    found = read(docci)
    named = {KEYWORDS[place].text: count for place, count in found.keywords.items()}
    assert named == {
        "under": 1, "under the": 1, "on": 2, "on the left": 1, "left": 1, "on the right": 1, "right": 1,
    }  # fmt: skip
    assert (found.pairs, found.spatial, found.matches) == (4, 3, 8)  # no "right of" from a question to its answer
    assert found.facts["relation"] == {"below": 1, "left": 1, "right": 1, "": 1}
    assert found.facts["frame"] == {"viewer": 2, "image": 2} and found.facts["form"] == {"where": 1, "what": 2, "": 1}
    assert found.corpora == ["docci"] and found.counts == {**COUNTED, "partly_broken": 0} and found.distinct == 1
    assert read(docci, "longest").matches == 3
    plain = read(other)
    assert plain.counts is None and plain.corpora == [] and plain.matches == 8 and plain.pairs == 2


def test_tables_show_ours_beside_the_papers(docci, other, capsys):
    shown = stats(capsys, docci, other)
    rows = {line.strip().split("  ")[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert rows["docci-pairs"][-3:] == ["4", "66.67", "75.00"]
    assert re.search(r"docci-pairs +9 +2 +50 +4 +2\.0\b", shown)
    assert re.search(r"paper: DOCCI +15,000 +10,000 +136 +108,000 +10\.8\b", shown)
    assert re.search(r"paper: total +1,581,000 +455,000 +113 +3,372,000 +7\.4\b", shown)
    assert re.search(r"paper: Objects365-YorN +29,000,000 +94\.35\b", shown)  # as printed; its pairs give 94.32
    assert "\n\n\n" not in shown
    assert re.search(r"\n +left +12\.50 +19\.28 +25\.00 +left 6\.25 \(7\.41\); on the left 6\.25", shown)
    assert re.search(r"\n +far +25\.00 +2\.07 +0 +far 12\.50 \(1\.08\); far away from 12\.50", shown)
    assert re.search(r"frame +image +2 +50\.00", shown) and re.search(r"form +none +1 +25\.00", shown)
    assert re.search(r"duplicates +12 +4 +33\.33", shown) and re.search(r"spatial +6 +2 +33\.33", shown)
    assert "did not run: no --embedding-model is given" in shown and re.search(r"all +13 +9 +69\.23 +4 left", shown)
    assert shown.index("  form  ") < shown.index("  duplicates  ")
    assert re.search(r"fact +distinct +1\n", shown) and "\n0.5 facts, 2.0 pairs a caption\n" in shown


def test_one_set_that_was_not_made_from_captions_has_tables_2_and_11_alone(other, capsys):
    shown = stats(capsys, other, "--counting", "longest")
    assert "Table 1:" not in shown and "Checks" not in shown
    assert re.search(r"\n +far +100\.00 +2\.07 +– +far away from 100\.00 \(0\.71\)", shown)


def test_several_sets_made_from_captions_have_a_total(docci, tmp_path, capsys):
    shown = stats(capsys, docci, save(tmp_path / "another", corpus=""))
    assert re.search(r"total +18 +4 +50 +8 +2\.0\b", shown) and shown.count("paper: DOCCI") == 1


def test_numbers_of_the_paper():
    *sets, (pairs, share) = published.TABLE_2.values()
    assert sum(pairs for pairs, _ in sets) == pairs == 30_747_500
    # The shares as printed do not give those of the pairs: 94.35 stands for 94.32.
    assert sum(share for _, share in sets) == pytest.approx(share, abs=0.05)
    assert tables._percent(0, 3) == "0" and tables._percent(1, 10**6) == "~0.00" and tables._percent(1, 0) == "–"


def test_folder_that_cannot_be_counted_is_one_line(tmp_path, docci):
    with pytest.raises(DataError):
        read(tmp_path)
    for name, broken in (("pairs_out", "4"), ("checks", []), ("checks", {"answer": "x"}), ("captions_in", None)):
        folder = save(tmp_path / f"{name}-{broken}", counts={**COUNTED, name: broken})
        with pytest.raises(RunError, match=f"counts.json: {name}: not as ninefold writes it"):
            read(folder)
    (folder / COUNTS).unlink()
    with pytest.raises(RunError, match=r"counts\.json: is missing; make the data set again"):
        read(folder)


def test_command_line_names_what_is_missing(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["captions", "stats"])
    assert ended.value.code == 2
