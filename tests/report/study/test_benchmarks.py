"""Benchmarks in the report of a study: tables in the form of SpaRE's, conditions, and what training sets share."""

import csv
import io
import json
import shutil
from dataclasses import replace

import pytest
from benchmark_figures import figures_of

from ninefold import store
from ninefold.report.study import benchmarks, leaks, output, tables
from ninefold.report.study.page import write_page
from ninefold.report.study.results import StudyResults
from ninefold.runs.study import STUDY, StudiedLeak

LEAK = StudiedLeak("synthetic", "coco", "data/train", 978, 1874, 0, 1226, 830, 2195)


@pytest.fixture(scope="module")
def results(study, tmp_path_factory):
    """A copy of the study in which one test is a benchmark whose images a training set holds."""
    folder = shutil.copytree(study, tmp_path_factory.mktemp("benchmarks") / "study")
    for path in folder.glob("runs/*-on-coco/metrics.json"):
        found = json.loads(path.read_text())
        figures = figures_of("vsr-zeroshot", "VSR <zeroshot>", found["accuracy"], pixel_budget=path.parent.name[:4])
        path.write_text(json.dumps({**found, "benchmark": figures}))
    record = StudyResults.read(folder).record
    store.write_json(folder / STUDY, replace(record, leaks=(LEAK,)).to_json())
    return StudyResults.read(folder)


def test_its_models_stand_below_the_papers(results):
    (sheet,) = benchmarks.benchmark_sheets(results)
    rows = {(line.model, line.condition): line.cells[0] for line in sheet.ours}
    assert list(rows) == [
        ("Qwen2-VL", "base"), ("Qwen2-VL", "Synthetic"), ("Qwen2-VL", "9 & more"), ("nano-molmo", "base"),
        ("nano-molmo", "Synthetic"),
    ]  # fmt: skip
    # Seeds with 6 and 8 right of 11: the mean with its deviation.
    cell = rows["Qwen2-VL", "Synthetic"]
    assert (cell.text, cell.marks) == ("63.6 ±12.9", "†")
    assert cell.details[0] == "shares 978 of 1,874 images, 830 of 2,195 rows word for word"
    assert rows["Qwen2-VL", "base"].marks == "" and "nano-molmo is a nano base" in sheet.notes


def test_files_hold_the_papers_rows_and_ours(results):
    (sheet,) = benchmarks.benchmark_sheets(results)
    files = benchmarks.files(sheet)
    rows = list(csv.DictReader(io.StringIO(files["csv"])))
    ours = next(row for row in rows if row["model"] == "Qwen2-VL" and row["condition"] == "Synthetic")
    assert (ours["seeds"], ours["benchmark"], ours["shared_with_training"][:3]) == ("0 1", "vsr-zeroshot", "978")
    assert [float(value) for value in ours["values"].split()] == [6 / 11, 8 / 11]
    assert sum(row["source"].startswith("Ogezi") for row in rows) == 12 * 6 - 2
    assert r"63.6 $\pm$12.9\dag{} (" in files["tex"] and r"SpaRE-2B &  & 80.8 & 93.4" in files["tex"]
    assert "| these runs | Qwen2-VL | Synthetic | 63.6 ±12.9† (" in files["md"]
    assert {f"{sheet.stem}.{suffix}" for suffix in files} <= set(output._tables(results))


def test_what_training_shares_is_told_wherever_the_figure_is(results):
    (row,) = leaks.rows(results.record)
    assert (row.condition, row.test, row.data) == ("Synthetic", "COCO", "data/train")
    told = "Training sets that share images or scenes with a test: Synthetic with COCO (978 of 1,874 images"
    assert told in tables.overview(results).notes
    by_stem = {table.stem: table for table in tables.paper_tables(results)}
    assert told in by_stem["table-2"].notes and told not in by_stem["table-1"].notes


def test_the_page_shows_tables_conditions_and_leaks(results):
    page = write_page(results.folder, results=results).read_text(encoding="utf-8")
    assert "VSR <zeroshot>" not in page
    for text in (
        "Spatial benchmarks, in the form of Table 3 of SpaRE", "Conditions of VSR &lt;zeroshot&gt;", "b27a0af",
        "† 978 of 1,874 images", "Training sets that share images with tests",
    ):  # fmt: skip
        assert text in page
    assert page.count("pixel budget") == 2  # one of each model


def test_a_study_without_benchmarks_has_no_such_table(study):
    results = StudyResults.read(study)
    assert benchmarks.benchmark_sheets(results) == [] and benchmarks.all_conditions(results) == []
