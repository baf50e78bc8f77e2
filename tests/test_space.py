from fractions import Fraction

import pytest

from ninefold.space import LABELS, Box, Cell, border_distance, cell_of_box, cell_of_point, label_of_cell, region_of_cell


def test_regions_are_exact_blocks_of_cells():
    regions = [[region_of_cell(Cell(row, col)) for col in range(9)] for row in range(9)]
    assert regions[0] == regions[2] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert regions[3] == regions[5] == [3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert regions[6] == regions[8] == [6, 6, 6, 7, 7, 7, 8, 8, 8]


def test_labels_read_like_the_picture():
    assert len(LABELS) == len(set(LABELS)) == 9
    assert label_of_cell(Cell(0, 8)) == "top right"
    assert label_of_cell(Cell(4, 4)) == "center"
    assert label_of_cell(Cell(8, 4)) == "bottom center"
    assert label_of_cell(Cell(1, 0), grid=3) == "center left"


def test_a_border_belongs_to_the_right_and_the_bottom():
    assert cell_of_point(100, 0, 900, 900) == (0, 1)
    assert cell_of_point(99.999, 300, 900, 900) == (3, 0)
    assert cell_of_point(900, 900, 900, 900) == (8, 8)
    assert cell_of_point(Fraction(640, 3), 0, 640, 480) == (0, 3)


def test_boxes_are_placed_by_the_decimals_they_were_written_with():
    # 0.1 + 0.2 / 2 is 0.2 exactly, though the nearest floats add up to a little more or less.
    assert cell_of_box(Box(0.1, 0.7, 0.2, 0.2), 9, 9) == (0, 0)
    assert cell_of_box(Box(0.9, 2.9, 0.2, 0.2), 9, 9) == (3, 1)


@pytest.mark.parametrize(
    ("x", "y", "distance"), [(0, 0, 1 / 3), (270, 150, 1 / 30), (300, 0, 0), (450, 450, 1 / 6), (900, 610, 1 / 90)]
)
def test_distance_to_the_nearest_border_is_a_share_of_the_side(x: int, y: int, distance: float):
    assert border_distance(Box(x - 10, y - 5, 20, 10), 900, 900) == pytest.approx(distance)
