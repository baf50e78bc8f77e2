import shutil

import numpy as np
import pytest

from ninefold.report.study.results import StudyResults
from ninefold.space import LABELS


def test_one_row_for_every_finished_evaluation(results):
    table = results.table
    assert len(table) == len(results.evaluations) == 12
    row = table.query("model == 'nano-molmo' and condition == 'synthetic' and test == 'coco'").iloc[0]
    assert (row["seed"], row["n"], row["accuracy"]) == (0, 11, pytest.approx(3 / 11))
    assert row["low"] < 3 / 11 < row["high"]
    assert (row["invalid"], row["empty"], row["wrong label"], row["truncated"]) == (1, 1, 7, 0)
    assert table["seed"].isna().sum() == 4
    assert (results.folder / row["folder"]).is_dir()


def test_runs_that_are_not_done_are_absent_and_listed_with_their_reason(results):
    absent = {
        (one.of.model, one.of.condition, one.of.seed, one.of.test): (one.state, one.reason) for one in results.absent
    }
    assert absent["nano-molmo", "synthetic", 1, None] == ("failed", "out of memory")
    assert absent["nano-molmo", "synthetic", 1, "coco"] == ("planned", "")
    assert results.accuracies("nano-molmo", "scaling-9", "coco") == {}
    assert results.base("nano-molmo", "nowhere") is None
    assert len(results.absent) + len(results.evaluations) + len(results.probes) == len(results.record.runs)


def test_maps_are_the_mean_over_seeds(results):
    assert results.accuracies("qwen2-vl", "synthetic", "coco") == pytest.approx({0: 6 / 11, 1: 8 / 11})
    found = results.accuracy_map("qwen2-vl", "synthetic", "coco")
    assert found.seeds == 2
    assert found.accuracy[[0, 8, 8], [0, 0, 4]].tolist() == [1, 0.5, 0.5]
    assert np.isnan(found.accuracy[0, 1]) and found.n[0, 1] == 0 and found.n.sum() == 11
    assert results.accuracy_map("qwen2-vl", "synthetic", "nowhere") is None


def test_votes_are_pooled_over_seeds_and_ties_are_ties(results):
    votes, counts, _ = results.vote_map("qwen2-vl", "synthetic", "coco")
    assert votes[0][0] == "top left" and votes[0][1] is None
    assert list(votes[8][0]) == ["center right", "bottom left"]  # one seed is right, the other is not
    assert (votes[5][1], counts[5][1]) == (None, 1)  # nothing in either seed
    assert set(results.labels("coco")) == set(LABELS)


def test_labels_of_a_test(results):
    assert set(results.labels("coco")) == set(LABELS)
    assert results.labels("nowhere") == []


def test_a_run_that_cannot_be_read_is_listed_and_spoils_no_other(study, tmp_path):
    shutil.copytree(study, tmp_path / "study")
    (tmp_path / "study" / "runs" / "qwen2-vl-base-None-on-coco" / "metrics.json").write_text("{")
    results = StudyResults.read(tmp_path / "study")
    (broken,) = (one for one in results.absent if one.state == "unreadable")
    assert (broken.of.model, broken.of.test) == ("qwen2-vl", "coco") and "metrics.json" in broken.reason
    assert len(results.evaluations) == 11
