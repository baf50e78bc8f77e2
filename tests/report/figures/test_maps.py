import numpy as np
import pytest
from matplotlib.colors import to_hex

from ninefold.analysis.cells import ChangeMap
from ninefold.report.figures import curves, files, maps
from ninefold.report.figures.labels import symbols
from ninefold.space import LABELS, Cell, label_of_cell

COUNTS = [[4] * 9 for _ in range(9)]
TRUTH = [[label_of_cell(Cell(row, col)) for col in range(9)] for row in range(9)]


def grid(value=0.5):
    return [[value] * 9 for _ in range(9)]


def test_an_accuracy_map_says_each_cell_in_numbers_and_words():
    accuracies, counts = grid(), [list(row) for row in COUNTS]
    accuracies[0][0], accuracies[4][8], accuracies[8][8], counts[8][8] = 1.0, 0.997, None, 0
    panel = maps.accuracy_map("base", accuracies, counts)
    cells = {drawn.cell: drawn for drawn in panel.cells}
    assert len(cells) == 81
    assert [cells[cell].text for cell in ((0, 0), (4, 8), (1, 1))] == ["100", "99", "50"]
    assert cells[0, 0].tip == "row 1, column 1 (top left): 100\u202f% of 4 right"
    assert (cells[8, 8].fill, cells[8, 8].seen) == (None, 0)
    assert panel.note == "Between 50\u202f% and 100\u202f% right; 4 questions a cell."
    assert panel.gap == "no question"
    alike = maps.accuracy_map("base", grid(1.0), [[1] * 9] * 9)
    assert alike.note == "100\u202f% right in every cell; 1 question a cell."
    assert alike.gap == ""


def test_an_accuracy_map_with_intervals_says_them():
    bounds = [[[0.15, 0.85]] * 9 for _ in range(9)]
    panel = maps.accuracy_map("base", grid(), COUNTS, bounds)
    assert panel.cells[0].tip.endswith("50\u202f% of 4 right (95\u202f% interval: 15–85\u202f%)")


def test_a_difference_map_is_signed():
    before, after = np.full((9, 9), 0.5), np.full((9, 9), 0.75)
    after[3, 3], after[5, 5], after[0, 1], after[8, 7] = 0.25, 0.5, 0.501, np.nan
    p, n = np.full((9, 9), 0.01), np.full((9, 9), 4)
    p[8, 8], n[8, 7] = 0.5, 0
    change = after - before
    panel = maps.difference_map("change", ChangeMap(before, after, change, change - 0.1, change + 0.1, p, n, 99))
    cells = {drawn.cell: drawn.text for drawn in panel.cells}
    assert [cells[cell] for cell in ((0, 0), (3, 3), (5, 5), (0, 1), (8, 7))] == ["+25", "−25", "0", "+1", ""]
    assert panel.cells[-1].is_faint
    assert panel.cells[0].tip.endswith("from 50\u202f% to 75\u202f% (+15 to +35 points at most, all cells together)")
    assert "within chance" in panel.cells[-1].tip
    assert panel.note == "78 of 80 cells better, 1 worse; 80 beyond chance (in bold)."


def test_a_vote_map_counts_the_cells_where_the_most_common_answer_is_right():
    signs = symbols(LABELS)
    panel = maps.vote_map("tuned", TRUTH, COUNTS, TRUTH, signs)
    assert panel.note == "The most common answer is right in all 81 cells."
    votes = [list(row) for row in TRUTH]
    votes[0][0], votes[0][1] = "center", None
    panel = maps.vote_map("base", votes, COUNTS, TRUTH, signs)
    assert panel.note == "The most common answer is right in 79 of 81 cells; 1 without a readable answer."
    assert panel.gap == "no readable answer"
    assert panel.cells[1].tip.endswith("no readable answer")
    assert [list(drawn.symbols) for drawn in panel.cells[:3]] == [["center"], [], ["top left"]]
    assert {label for drawn in panel.cells for label in drawn.symbols} == set(LABELS)


def test_a_tie_is_drawn_as_all_labels_that_lead_and_is_not_right():
    votes = [list(row) for row in TRUTH]
    votes[0][0], votes[0][1] = ["top left", "center"], ["center left", "center", "center right"]
    panel = maps.vote_map("base", votes, COUNTS, TRUTH, symbols(LABELS))
    assert panel.note == "The most common answer is right in 79 of 81 cells; a tie in 2 cells (divided)."
    assert [list(drawn.symbols) for drawn in panel.cells[:2]] == votes[0][:2]
    assert panel.cells[1].tip.endswith("a tie of center left, center and center right")
    assert [drawn.scale for drawn in panel.cells[:3]] == pytest.approx([0.85, 1.7 / 3, 1])
    unknown = [[None] * 9] * 9
    assert maps.vote_map("base", votes, COUNTS, unknown, symbols(LABELS)).note == "A tie in 2 cells (divided)."
    colors = [symbol.fill for symbol in panel.cells[1].symbols.values()]
    bands = [patch for patch in maps.figure("ties", [panel]).axes[0].patches if patch.get_width() < 0.33]
    assert [to_hex(band.get_facecolor()) for band in bands] == colors


def test_a_vote_map_judges_nothing_where_a_cell_has_no_one_right_answer():
    votes, unknown = [["red"] * 9 for _ in range(9)], [[None] * 9 for _ in range(9)]
    panel = maps.vote_map("base", votes, COUNTS, unknown, symbols(["red", "blue"]))
    assert panel.note == ""
    assert {(drawn.fill, drawn.symbols["red"].text) for drawn in panel.cells} == {("#ff0000", "R")}


@pytest.mark.filterwarnings("error")
def test_figures_are_written_as_pdf_and_png_and_the_same_each_time(tmp_path):
    votes = maps.vote_map("votes", [[None] * 9, *TRUTH[1:]], COUNTS, TRUTH, symbols(LABELS))
    panels = [maps.accuracy_map("$x_ <b>", grid(), COUNTS), votes]
    for folder in ("one", "two"):
        files.save(maps.figure("any $set \N{SLIGHTLY SMILING FACE} 数据", panels), tmp_path / folder / "maps")
    for suffix, magic in (("pdf", b"%PDF"), ("png", b"\x89PNG")):
        content = (tmp_path / "one" / f"maps.{suffix}").read_bytes()
        assert content.startswith(magic)
        assert content == (tmp_path / "two" / f"maps.{suffix}").read_bytes()


def test_a_curve_marks_its_best_epoch():
    history = [
        {"epoch": 1.0, "train_loss": 2.0, "validation_loss": 1.0},
        {"epoch": 2.0, "train_loss": None, "validation_loss": 0.01},
        {"epoch": 3.0, "train_loss": 0.02, "validation_loss": float("nan")},
    ]
    curve = curves.losses("run", history)
    assert curve.best == (2.0, 0.01)
    assert curve.is_log
    assert [len(line.points) for line in curve.lines] == [2, 2]
    assert curve.at(3.0, curve.y_range[1]) == pytest.approx((1, 0))
    assert curve.at(0.0, curve.y_range[0]) == pytest.approx((0, 1))
    assert all(0 <= curve.at(0, tick)[1] <= 1 for tick in curve.loss_ticks())
    assert curves.figure(curve).axes[0].get_yscale() == "log"
    assert curves.losses("run", [{"epoch": 1}]) is None


def test_regions_stand_apart():
    assert np.diff([maps.offset(k, 9) for k in range(9)]) == pytest.approx([1, 1, 1.16, 1, 1, 1.16, 1, 1])
