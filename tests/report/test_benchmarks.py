"""The figures of public benchmarks in a report, and tables in the form of SpaRE's."""

import csv
import json
import re

import pytest
from benchmark_figures import figures_of

from ninefold.report.benchmarks import part_figure, spare
from ninefold.report.benchmarks.columns import GENERAL, SPATIAL
from ninefold.report.benchmarks.numbers import CSV
from ninefold.report.benchmarks.section import benchmark
from ninefold.report.benchmarks.sheets import MEAN, PRINTED, sheets
from ninefold.report.benchmarks.standings import Standing, asked, by_benchmark
from ninefold.report.comparison import change
from ninefold.report.test_sets import group, read_runs

NAMES = {"vsr-zeroshot": 0.8, "whatsup-a": 0.9, "whatsup-b": 0.7, "3dsrbench": 0.5, "realworldqa": 0.6}


def standing(condition="base", seed=None, **values):
    runs = {name: [(seed, figures_of(name, name.upper(), value))] for name, value in {**NAMES, **values}.items()}
    return Standing("Qwen", condition, runs)


def test_the_papers_rows_are_those_of_its_table_and_its_wrong_averages_are_known():
    assert [len(row.values) for row in spare.SPATIAL.values()] == [len(SPATIAL)] * 12
    assert [len(row) for row in spare.GENERAL.values()] == [len(GENERAL)] * 8
    wrong = {name for name, row in spare.SPATIAL.items() if abs(row.mean - row.average) > 0.0501}
    assert wrong == {spare.HUMAN, "SpaRE-2B", "Qwen2VL-7B", "InternVL2-8B", "GPT-4o-mini", "GPT-4o"}
    assert {name: value for name, (_, value) in spare.CAPTIONS.items() if name in spare.SPATIAL} == {
        name: spare.SPATIAL[name].average for name in ("SpaRE-7B", "Qwen2VL-7B")
    }


def test_our_row_stands_below_the_papers_with_both_averages():
    (spatial, averages) = sheets([standing()])
    assert spatial.heads[0] == "VSR (zeroshot)" and spatial.heads[-2:] == (PRINTED, MEAN)
    two_b = next(line for line in spatial.published if line.model == "SpaRE-2B")
    assert [cell.text for cell in two_b.cells] == ["80.8", "93.4", "95.1", "54.4", "63.5", "77.6", "77.4"]
    (ours,) = spatial.ours
    assert [cell.text for cell in ours.cells] == ["80.0", "90.0", "70.0", "50.0", "60.0", "–", "70.0"]
    assert (ours.cells[0].interval, ours.cells[0].marks, ours.cells[0].details) == ("75.0–84.0", "", ())
    assert [line.cells[0].text for line in averages.ours] == ["70.0"]
    rows = [dict(zip(CSV, line, strict=True)) for line in spatial.numbers]
    assert next(r for r in rows if r["model"] == "GPT-4o" and r["column"] == "average")["value"] == 0.779
    assert next(r for r in rows if r["model"] == "Qwen" and r["column"] == "average")["value"] == pytest.approx(0.7)
    assert not any(r["column"] == "RealWorldQA" for r in rows if r["model"] == spare.RANDOM)


def test_what_makes_a_figure_incomparable_stands_beside_it():
    figures = figures_of("vsr-random", "VSR random", 0.8, missing=2160, rows=35, unread=0.25)
    one = Standing("M", "pairs", {"vsr-random": [(0, figures)]}, {"vsr-random": "978 images"})
    (sheet,) = sheets([one], "Nano bases only demonstrate this system.")
    assert sheet.heads[0] == "VSR (random)"
    cell = sheet.ours[0].cells[0]
    assert (cell.marks, cell.interval) == ("*†", "75.0–84.0")
    assert cell.details == ("35 of 2,195 rows", "shares 978 images", "25\u202f% unread")
    average = sheet.ours[0].cells[-1]
    assert (average.marks, average.details) == ("*†", ("1 of 5 columns",))
    for told in ("*: of a part", "count as wrong: at most 25.0", "†: the training set", "Nano bases"):
        assert told in sheet.notes


def test_a_limit_makes_a_figure_one_of_a_part_too():
    limited = figures_of("vsr-zeroshot", "VSR", 0.8, rows=100, missing=0, official_rows=1222)
    assert asked(limited) == (100, 1222)
    (sheet,) = sheets([Standing("M", "base", {"vsr-zeroshot": [(None, limited)]})])
    assert (sheet.ours[0].cells[0].marks, sheet.ours[0].cells[0].details) == ("*", ("100 of 1,222 rows",))


def test_seeds_are_one_row_with_their_deviation_and_the_interval_over_seeds():
    runs = [(seed, figures_of("vsr-zeroshot", "VSR", value)) for seed, value in enumerate((0.7, 0.8))]
    (sheet,) = sheets([Standing("M", "pairs", {"vsr-zeroshot": runs})])
    # 12.706 standard errors of 0.05 to each side are cut at 0 and 1.
    assert (sheet.ours[0].cells[0].text, sheet.ours[0].cells[0].interval) == ("75.0 ±7.1", "11.5–100")
    assert "leaves out the variation of questions" in sheet.notes
    assert [line[CSV.index("interval")] for line in sheet.numbers if line[1] == "M"] == ["seeds"]


def test_parts_of_mme_are_points_found_by_their_names():
    points = {"n": 28, "value": 1467.9, "ci95": [1400.0, 1500.0], "most": 2000}
    code = {"n": 40, "value": 108.5, "ci95": None, "most": 200}
    by = {"category": {"code_reasoning": {"score": code}}}
    mme = figures_of("lmms:mme", "MME", 0.5) | {"measures": {"perception": points}, "main": "perception", "by": by}
    (sheet,) = sheets([Standing("M", "base", {"lmms:mme": [(None, mme)]})])
    assert [cell.text for cell in sheet.ours[0].cells] == ["–"] * 4 + ["1,467.9", "–", "108.5", "–", "–"]
    assert sheet.ours[0].cells[4].interval == "1,400.0–1,500.0"
    assert sheet.published[0].cells[4].text == "1,467.9"


def test_of_two_evaluations_of_one_benchmark_the_more_complete_one_is_shown():
    part, whole = (
        [(None, figures_of("vsr-zeroshot", "VSR", value, rows=rows))] for value, rows in ((0.9, 35), (0.6, 1222))
    )
    assert by_benchmark([whole, part]) == by_benchmark([part, whole, []]) == {"vsr-zeroshot": whole}


def test_a_set_that_is_no_benchmark_of_the_paper_has_no_such_table():
    assert sheets([Standing("M", "base", {"lmms:other": [(None, figures_of("lmms:other", "Other", 0.5))]})]) == []
    assert sheets([]) == []


@pytest.fixture
def table(answers):
    """A maker of a small prediction table without positions."""
    return lambda skill: answers(skill, per_cell=1).drop(columns=["cell_row", "cell_col", "region"])


@pytest.fixture
def runs(evaluation, table):
    made = [("base", 0.5, False, {}), ("tuned", 0.75, True, {"prompt": "other"})]
    return [
        evaluation(
            name, table(skill), tuned=tuned, benchmark=figures_of("vsr-zeroshot", "VSR <i>zeroshot", skill, **changed)
        )
        for name, skill, tuned, changed in made
    ]


def test_the_section_holds_all_figures_parts_and_conditions(runs):
    (test_set,) = group(read_runs(runs)[0])
    assert test_set.name == "VSR <i>zeroshot"
    found = benchmark(test_set)
    (table,) = found.figures
    assert table.head == ("run", "accuracy", "F1", "pairs right", "unread")
    rows = {name: [cell.text for cell in cells] for name, cells in table.rows}
    assert rows["tuned"] == ["75.0\u202f%", "50.0\u202f%", "–", "0.2\u202f%"]
    assert rows["change, tuned"][:3] == ["+25.0", "±0", ""]
    (chart,) = found.charts
    assert chart.title == "Accuracy by relation" and len(chart.parts) == 16
    assert [part.n for part in chart.parts] == [*range(40, 25, -1), 7]
    assert [(mark.name, mark.at) for mark in chart.parts[-1].marks] == [("base", 0.25), ("tuned", 0.375)]
    drawing = part_figure.figure("VSR", chart)
    assert drawing.get_suptitle() == "Accuracy by relation on VSR" and len(drawing.axes) == 2
    assert [label.get_text() for label in drawing.axes[0].get_yticklabels()][-1] == "<b>under (7)"
    assert drawing.axes[1].get_xlabel() == "accuracy in %"
    assert found.conditions["data revision"] == "b27a0af" and "prompt" not in found.conditions
    assert found.differing["tuned"] == {"prompt": "other"}
    assert found.notice == ""


def test_a_change_of_the_accuracy_of_rows_is_tested(runs):
    for run in runs:
        metrics = json.loads((run / "metrics.json").read_text())
        metrics["benchmark"]["measures"]["accuracy"] |= {"n": metrics["n"], "value": metrics["accuracy"]}
        (run / "metrics.json").write_text(json.dumps(metrics))
    (test_set,) = group(read_runs(runs)[0])
    (table,) = benchmark(test_set).figures
    accuracy, f1, *_ = next(cells for name, cells in table.rows if name == "change, tuned")
    # The same test as that of the set's card.
    ((base, tuned),) = test_set.pairs
    paired = change(base, tuned).paired
    assert paired.p < 0.01 and f1.detail == ""
    assert re.fullmatch(rf"\+\d+\.\d to \+\d+\.\d, p.=.{paired.p:.4f}", accuracy.detail)


def test_a_part_of_a_benchmark_is_told_first(evaluation, table):
    figures = figures_of("vsr-zeroshot", "VSR", 0.5, rows=35, missing=1187, unread=0.2)
    (test_set,) = group(read_runs([evaluation("base", table(0.5), benchmark=figures)])[0])
    notice = benchmark(test_set).notice
    assert notice.startswith("Only 35 of 1,222 rows were asked") and "base 20\u202f%" in notice


def test_the_page_shows_them_escaped(runs, html):
    page = html(*runs)
    assert "<i>zeroshot" not in page and "<b>under" not in page
    for text in ("Spatial benchmarks, in the form of Table 3 of SpaRE", "Accuracy by relation", "4 more", "Conditions"):
        assert text in page
    line = next(csv.reader(page.partition("data:text/csv;charset=utf-8,source,")[2].split("%0A")))
    assert line[0] == "model"
