from dataclasses import replace

import numpy as np
import pytest

from ninefold.errors import RunError
from ninefold.report.figures import dots, files, text
from ninefold.report.study import output, samples
from ninefold.report.study.further_figures import further_figures
from ninefold.report.study.paper_figures import curve, paper_figures
from ninefold.report.study.results import INVALID


@pytest.fixture(scope="module")
def drawings(results):
    return paper_figures(results)


def test_every_figure_with_runs_is_drawn_and_no_other(drawings):
    assert set(drawings) == {
        "figure-1", "figure-2a", "figure-2b", "figure-3a", "figure-3b", "figure-4-qwen2-vl", "figure-6-qwen2-vl",
        "figure-9-nano-molmo", "figure-5a",
    }  # fmt: skip


def test_a_scaling_curve_has_the_real_sizes_and_ends_with_the_whole_set(results):
    real, nano = (curve(results, model, "synthetic") for model in results.models)
    assert [point.x for point in real.points] == [9, 1296]
    assert [point.value for point in real.points] == pytest.approx([7 / 11, 10.5 / 11])
    assert real.points[0].spread is None and real.points[1].spread == pytest.approx(0.5**0.5 / 11)
    assert real.points[1].values == (1, 10 / 11) and real.before == 5 / 11
    assert nano is None  # the whole set alone is no curve


def test_probes_before_and_after_with_the_deviation_over_seeds(drawings):
    drawn = drawings["figure-6-qwen2-vl"]()
    (axis,) = drawn.axes
    before, after = axis.containers
    assert before.lines[0].get_xydata().ravel() == pytest.approx([1, 0.4, 2, 0.5])
    assert after.lines[0].get_xydata().ravel() == pytest.approx([1, 0.7, 2, 0.8])
    assert not before.has_yerr and after.has_yerr
    (bars,) = after.lines[2]
    # Values 0.6 and 0.8: the deviation is the root of 0.02.
    assert bars.get_segments()[0][:, 1] == pytest.approx([0.7 - 0.02**0.5, 0.7 + 0.02**0.5])
    assert (before.lines[0].get_color(), after.lines[0].get_color()) == ("#0072b2", "#e69f00")


def test_a_figure_of_nano_bases_says_what_they_are(results, drawings):
    title = drawings["figure-9-nano-molmo"]().get_suptitle().replace("\n", " ")
    assert title.endswith("nano-molmo is a nano base: its scores say nothing about any real model.")
    assert "nano" not in drawings["figure-3a"]().get_suptitle()


def test_figures_are_the_same_bytes_each_time_and_their_text_is_text(drawings, reported, tmp_path):
    files.save(drawings["figure-3a"](), tmp_path / "figure-3a", formats=files.ALL, dots=output.DOTS)
    for suffix in files.ALL:
        written = (reported / "figures" / f"figure-3a.{suffix}").read_bytes()
        assert written == (tmp_path / f"figure-3a.{suffix}").read_bytes()
    assert b">training examples</text>" in written


def test_a_study_writes_page_tables_and_figures_and_replaces_nothing_that_was_edited(reported, monkeypatch):
    found = {
        str(path.relative_to(reported)) for name in ("tables", "figures") for path in (reported / name).glob("*.*")
    }
    stems = [*(f"tables/table-{number}" for number in range(1, 8)), "tables/overview", "tables/scaling"]
    tables = {f"{stem}.{suffix}" for stem in stems for suffix in ("csv", "tex", "md")} | {"tables/runs.csv"}
    assert found == tables | {f"figures/figure-3a.{suffix}" for suffix in files.ALL}
    assert 'href="./tables"' in (reported / "report.html").read_text(encoding="utf-8")
    svg = reported / "figures" / "figure-3a.svg"
    before = svg.read_text()
    svg.write_text(before.replace("base", "BASE"))
    monkeypatch.setattr(output, "paper_figures", lambda results: {"figure-3a": None})
    with pytest.raises(RunError, match=r"figure-3a\.svg: was edited"):
        output.write_tables_and_figures(reported)
    svg.write_text(before)


@pytest.fixture(scope="module")
def collapsing(results):
    """The results of the real model alone, with the figure of the collapse."""
    named = replace(results, record=replace(results.record, figures=("collapse", "other")))
    return replace(named, evaluations=[one for one in named.evaluations if one.of.model == "qwen2-vl"])


def test_the_collapse_is_shown_as_change_against_the_first_condition(collapsing):
    found = further_figures(collapsing)
    assert set(found) == {"collapse"}
    drawn = found["collapse"]()
    changes, invalid, on_coco, _ = drawn.axes
    assert [tick.get_text() for tick in changes.get_yticklabels()] == ["Synthetic", "9 & more"]
    (dot,) = [line for line in on_coco.lines if line.get_marker() == "o" and line.get_ydata()[0] == 1]
    assert dot.get_xdata()[0] == pytest.approx(5 / 11 - 7 / 11)
    assert [bar.get_width() for bar in invalid.patches] == pytest.approx([1 / 22, 1 / 11])
    # The axis ends beyond the longest bar; one or two seeds have no interval.
    assert invalid.get_xlim() == pytest.approx((0, 1.1 / 11))
    assert not [line for line in on_coco.lines if line.get_marker() == "None" and len(set(line.get_xdata())) == 2]


def test_where_hardly_an_answer_is_invalid_the_collapse_says_so(collapsing):
    few = replace(collapsing)
    vars(few)["table"] = collapsing.table.assign(**{"n": 1100, **dict.fromkeys(INVALID, 0), "empty": 2})
    drawn = further_figures(few)["collapse"]()
    assert [axis.get_title() for axis in drawn.axes] == ["Synthetic", "COCO"]
    assert "at most 0.2\u202f% of answers are invalid" in drawn.get_suptitle().replace("\n", " ")


def test_a_data_set_is_shown_once_and_its_questions_are_not_cut_off():
    image = np.zeros((240, 80, 3), np.uint8)
    tall = samples.SampledSet("title", (samples.Sample(image, "Where is the small green object?", "top"),) * 2)
    drawn = samples.figure("Images", [tall] * 4)
    drawn.draw_without_rendering()
    texts = [text.get_window_extent() for axis in drawn.axes for text in axis.texts]
    assert len(texts) == 8 and min(extent.y0 for extent in texts) > 0


def test_gaps_and_long_names_of_a_chart_of_rows():
    rows = ("a very long name of a condition that takes two lines or more $x$", "b")
    column = dots.Dots("title", (None, dots.Dot(0.5, 0.4, 0.6, (0.45, 0.55), before=0.2)), line=0.3)
    drawn = dots.figure("title", [dots.Block("model_$", rows, (column,))])
    drawn.draw_without_rendering()
    (axis,) = drawn.axes
    assert [one.get_text() for one in axis.texts] == ["no run"]
    first, second = (label.get_window_extent() for label in axis.get_yticklabels())
    assert first.y0 > second.y1


def test_the_legend_stands_right_below_the_chart(drawings):
    drawn = drawings["figure-6-qwen2-vl"]()
    drawn.draw_without_rendering()
    gap = drawn.axes[0].get_tightbbox().y0 - drawn.legends[0].get_window_extent().y1
    assert 0 < gap < 0.1 * drawn.dpi


def test_ticks_of_a_logarithmic_axis_stand_apart():
    assert text.apart([9, 63, 126, 972, 1296], 1.5) == [9, 63, 126, 1296]
