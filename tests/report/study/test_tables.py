import csv
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest

from ninefold.errors import RunError
from ninefold.report.study import latex, tables, written
from ninefold.report.study.cautions import cautions
from ninefold.report.study.layouts import LAYOUTS
from ninefold.report.study.published import MODELS, published
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import StudiedCondition, StudiedModel


@pytest.fixture(scope="module")
def written_tables(results):
    return {table.stem: table for table in [*tables.paper_tables(results), tables.overview(results)]}


def rows_of(table):
    rows = csv.DictReader(io.StringIO(tables.files(table)["csv"]))
    return {(row["model"], row["condition"], row["test"]): row for row in rows}


def test_the_csv_has_each_value_once_at_full_precision(written_tables):
    rows = rows_of(written_tables["table-2"])
    row = rows["Qwen2-VL", "synthetic", "coco"]
    assert (row["questions"], row["n_seeds"], row["seeds"]) == ("11", "2", "0 1")
    assert [float(value) for value in row["values"].split()] == [6 / 11, 8 / 11]
    numbers = {name: float(row[name]) for name in ("mean", "sd", "low", "high", "base", "change")}
    # Mean 7/11 and deviation sqrt(2)/11; 12.706 standard errors to each side are cut at 0 and 1.
    assert numbers == pytest.approx(
        {"mean": 7 / 11, "sd": 2**0.5 / 11, "low": 0, "high": 1, "base": 4 / 11,
         "change": 3 / 11}, abs=1e-4,
    )  # fmt: skip
    assert (row["paper_mean"], row["paper_sd"], row["paper_change"], row["nano"]) == ("0.6", "", "0.21", "false")
    assert len(rows) == 8


def test_absent_runs_are_gaps_and_never_zeros(written_tables):
    overview = written_tables["overview"]
    row = rows_of(overview)["nano-molmo", "scaling-9", "coco"]
    assert (row["n_seeds"], row["mean"], row["sd"], row["low"], row["change"]) == ("0", "", "", "", "")
    assert overview.rows[-1] == ["nano-molmo", "9 & more (9)", "", ""]
    # With one of two seeds there is no deviation, and the interval is that of the questions.
    row = rows_of(written_tables["table-5"])["nano-molmo", "synthetic", "coco"]
    assert (row["n_seeds"], row["sd"]) == ("1", "") and "Wilson" in row["interval"]
    assert written_tables["table-5"].rows[1][4] == "27 (n=1)"
    assert "A gap is a run that does not exist yet" in overview.notes


def test_what_is_not_part_of_the_study_has_no_row_or_a_dash(written_tables, results):
    empty = written_tables["table-3"]
    assert (empty.rows, empty.values, empty.notes) == ([], [], "This study has no runs for it.")
    assert not empty.is_planned and written_tables["table-2"].has_results
    assert "– is not part of the study" in written_tables["table-2"].notes
    base = replace(results, evaluations=[one for one in results.evaluations if one.of.seed is None])
    two = tables.paper_tables(base)[1]
    assert two.is_planned and not two.has_results


def test_titles_are_those_of_the_study(results):
    named = [replace(one, title="Photo-like") if one.name == "coco" else one for one in results.record.tests]
    conditions = [*results.record.conditions, StudiedCondition("coco-complete", "All {photos}")]
    table = tables.paper_tables(replace(results, record=replace(results.record, tests=named, conditions=conditions)))[1]
    assert table.title == (
        "Accuracy after fine-tuning on “Synthetic” or “All {photos}”, with the change against the base"
    )
    assert table.heads[0][3] == "All {photos}" and table.heads[1][2] == "Photo-like"


def test_cautions_name_models_only_where_they_are_mixed_with_others():
    real, one, two = StudiedModel("a", "A"), StudiedModel("b", "B, pooled", True), StudiedModel("c", "C", True)
    scripted = StudiedModel("d", "D", caution="D is rules.")
    assert cautions([real]) == []
    assert cautions([real, one]) == ["B, pooled is a nano base: its scores say nothing about any real model."]
    assert cautions([one, two]) == ["All models here are nano bases: their scores say nothing about any real model."]
    assert cautions([real, one, two, scripted]) == [
        "Nano bases, whose scores say nothing about any real model: B, pooled; C.", "D is rules."
    ]  # fmt: skip


def test_the_papers_numbers_stand_beside_real_models_alone(written_tables):
    real, nano = written_tables["table-2"].rows
    assert real == ["Qwen2-VL", "95 (+50) [99 (+38)]", "64 (+27) [60 (+21)]", "– [9 (−52)]", "– [20 (−19)]"]
    assert nano == ["nano-molmo", "82 (+64) (n=1)", "27 (+18) (n=1)", "–", "–"]
    caption = written_tables["table-2"].caption
    assert caption.endswith("nano-molmo is a nano base: its scores say nothing about any real model.")
    assert all(
        row["paper_mean"] == "" for key, row in rows_of(written_tables["table-7"]).items() if key[0] != "Qwen2-VL"
    )


def test_table_7_has_a_row_for_each_training_set_of_the_study(written_tables):
    table = written_tables["table-7"]
    assert [row[:2] for row in table.rows] == [
        [model, condition] for model in ("Qwen2-VL", "nano-molmo") for condition in ("base", "Synthetic (1.3k)")
    ]
    assert table.rows[1] == ["Qwen2-VL", "Synthetic (1.3k)", "95 ±6 [99 ±0]", "–", "– [92 ±8]", "64 ±13 [58 ±4]"]


def test_the_overview_has_every_condition_that_has_runs(written_tables):
    assert written_tables["overview"].rows[2] == ["Qwen2-VL", "9 & more (9)", "64 (n=1)", "45 (n=1)"]


def test_scaling_curves_say_from_where_they_are_flat(results):
    table = tables.scaling(results)
    assert table.heads[0] == ["model", "test", "base", "9", "1,296", "flat from"]
    assert table.rows[0] == ["Qwen2-VL", "Synthetic", "45", "64 (n=1)", "95 ±6", "not decidable"]
    assert len(table.rows) == 2


def test_the_paper_is_quoted_in_full():
    assert published(1, "CLIP", "synthetic", "synthetic") == (1.0, 0.0, 0.88)
    assert published(4, "Molmo", "distractors-5", "coco") == (0.65, None, 0.26)
    assert published(7, "CLIP", "distractors-1", "synthetic-1") == (0.25, 0.3, None)
    for layout in LAYOUTS[1:6]:
        for column in layout.columns:
            assert all(published(layout.number, model, column.condition, column.test) for model in MODELS)
    # Changes are differences of the table's own means and the bases, but for the paper's rounding.
    for model in MODELS:
        for test in ("synthetic", "coco"):
            changed, base = published(2, model, "synthetic", test), published(5, model, "base", test)
            assert changed.mean - base.mean == pytest.approx(changed.change, abs=0.011)
            assert changed.mean == published(5, model, "synthetic", test).mean


def test_latex_is_escaped(written_tables):
    assert latex.escape("a_b & 50% ~^\\ {x} #1 $") == (
        r"a\_b \& 50\% \textasciitilde{}\textasciicircum{}\textbackslash{} \{x\} \#1 \$"
    )
    assert latex.escape("é ï 数 ß – ±<") == r"""\'{e} \"{\i} U+6570 U+00DF -- $\pm$$<$"""
    text = tables.files(written_tables["overview"])["tex"]
    assert r"9 \& more (9)" in text and text.isascii()
    assert text.count("{") == text.count("}")
    narrow = latex.table("t", "l", [["a", "b"]], [["[1]", "2"]], names=1)
    assert "    {}[1] & 2 \\\\" in narrow and "graphicx" not in narrow
    wide = tables.files(written_tables["table-5"])["tex"]
    assert r"\begin{table*}" in wide and r"\resizebox{\textwidth}" in wide and "graphicx" in wide


def test_markdown_is_escaped(written_tables):
    text = tables.files(written_tables["table-2"])["md"]
    assert r"| 95 (+50) \[99 (+38)\] |" in text
    assert {line.count("|") for line in text.splitlines()[2:]} == {6}


def test_the_same_results_give_the_same_bytes(results, study, tmp_path):
    shutil.copytree(study, tmp_path / "elsewhere")
    again = StudyResults.read(tmp_path / "elsewhere")
    for first, second in zip(tables.paper_tables(results), tables.paper_tables(again), strict=True):
        assert tables.files(first) == tables.files(second)
    assert tables.runs_csv(results) == tables.runs_csv(again)
    counted = np.genfromtxt(io.StringIO(tables.runs_csv(again)), delimiter=",", names=True, dtype=None, encoding=None)
    assert counted["n"].tolist() == [11] * 12 and counted["invalid"].sum() == 11


def test_a_table_that_was_edited_is_not_replaced(tmp_path):
    written.write(tmp_path, {"a.csv": "1", "b.csv": "2"})
    written.write(tmp_path, {"a.csv": "3", "b.csv": "2"})
    (tmp_path / "b.csv").write_text("mine")
    with pytest.raises(RunError, match=r"b\.csv: was edited"):
        written.write(tmp_path, {"a.csv": "4", "b.csv": "2"})
    assert (tmp_path / "a.csv").read_text() == "3"
    written.write(tmp_path, {"a.csv": "4", "b.csv": "2"}, overwrite=True)
    assert (tmp_path / "SHA256SUMS").read_text().count("\n") == 2
