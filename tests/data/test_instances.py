import gzip
import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ninefold.data.sources.coco.annotations import read_instances
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError
from ninefold.space import Box, cell_of_box, cell_of_point, label_of_cell

CATEGORIES = [{"id": 1, "name": "person"}, {"id": 2, "name": "dining table"}]
IMAGES = [
    {"id": 7, "file_name": "7.jpg", "width": 90, "height": 45},
    {"id": 5, "file_name": "5.jpg", "width": 90, "height": 45},
]


def box(image_id: int, category_id: int, bbox: object = (10, 10, 20, 20), **more: object) -> dict[str, object]:
    return {"image_id": image_id, "category_id": category_id, "bbox": bbox, "iscrowd": 0, **more}


def written(folder: Path, rows: list[object], **parts: object) -> Path:
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": IMAGES, "annotations": rows, "categories": CATEGORIES} | parts))
    return path


def read(folder: Path, rows: list[object], **parts: object) -> tuple[list[tuple[int, str]], dict[str, list[str]]]:
    skips = Skips()
    targets = read_instances(written(folder, rows, **parts), skips)
    found = [(target.photo.id, target.category) for target in targets]
    return found, {entry["reason"]: entry["names"] for entry in skips.entries}


def test_a_category_with_exactly_one_annotation_is_kept_sorted_by_image(tmp_path: Path) -> None:
    found, skipped = read(tmp_path, [box(7, 1), box(7, 2), box(7, 2), box(5, 2), box(5, 1)])
    assert found == [(5, "person"), (5, "dining table"), (7, "person")]
    assert skipped == {}


def test_crowds_count_as_instances_and_a_lone_crowd_is_kept(tmp_path: Path) -> None:
    found, _ = read(tmp_path, [box(7, 1), box(7, 1, iscrowd=1), box(5, 1, iscrowd=1)])
    assert found == [(5, "person")]


def test_ties_go_right_and_down(tmp_path: Path) -> None:
    path = written(tmp_path, [box(7, 1, [20, 10, 20, 10]), box(7, 2, [59.9, 29.9, 0.2, 0.2])])
    person, table = read_instances(path, Skips())
    assert label_of_cell(person.cell) == "center"  # its center is (30, 15): the corner of four regions
    assert label_of_cell(table.cell) == "bottom right"  # (60, 30), where 59.9 + 0.1 is not exact in floats


def test_truncation_cuts_each_number_and_keeps_the_box(tmp_path: Path) -> None:
    path = written(tmp_path, [box(7, 1, [20.9, 10.9, 18.9, 8.9])])
    [exact], [cut] = read_instances(path, Skips()), read_instances(path, Skips(), truncate=True)
    assert (label_of_cell(exact.cell), label_of_cell(cut.cell)) == ("center", "top left")  # (30.35, 15.35), (29, 14)
    assert exact.box == cut.box == Box(20.9, 10.9, 18.9, 8.9)


@settings(max_examples=150, deadline=None)
@given(
    # Boxes of two decimals, many of them centered on a border between cells or a hundredth beside it.
    border=st.integers(0, 9), off=st.integers(-2, 2), w=st.integers(1, 9000), y=st.integers(0, 4000),
    width=st.sampled_from([90, 333, 427, 500, 640]),
)  # fmt: skip
def test_cells_are_exact_beside_every_border(border: int, off: int, w: int, y: int, width: int) -> None:
    x = round(100 * border * width / 9 - w / 2) + off
    exact = cell_of_point(Fraction(2 * x + w, 200), Fraction(2 * y + 777, 200), width, 480)
    assert cell_of_box(Box(x / 100, y / 100, w / 100, 7.77), width, 480) == exact


def test_a_center_nearer_to_a_border_than_floats_can_tell() -> None:
    box = Box(29.999999999999996, 0, 5e-15, 9)
    assert box.x + box.w / 2 == 30  # the border, in floats; truly 29.9999999999999985
    assert cell_of_box(box, 90, 90).col == 2


NO_AREA, NOT_FOUR = "annotation: bbox without an area", "annotation: bbox is not four finite numbers"
OUTSIDE = "annotation: bbox centered outside its image"


@pytest.mark.parametrize(
    ("bbox", "reason"),
    [
        (None, "annotation: no bbox"),
        ([10, 10, 0, 5], NO_AREA),
        ([10, 10, 5, 0], NO_AREA),
        ([10, 10, -5, 5], NO_AREA),
        ([10, 10, 5], NOT_FOUR),
        ([10, 10, 5, 5, 45], NOT_FOUR),
        ([10, 10, "5", 5], NOT_FOUR),
        ([10, 10, None, 5], NOT_FOUR),
        ("10 10 5 5", NOT_FOUR),
        ([True, 10, 5, 5], NOT_FOUR),
        ([0.1, 0.2, 0.3, 0.4], "annotation: bbox given as fractions of the photo (numbers up to 1), not in pixels"),
        ({"x": 10}, NOT_FOUR),
        ([float("nan"), 10, 5, 5], NOT_FOUR),
        ([10, float("inf"), 5, 5], NOT_FOUR),
        ([10**400, 10, 5, 5], NOT_FOUR),
        ([100, 10, 20, 20], OUTSIDE),
        ([10, -30, 20, 20], OUTSIDE),
        ([80, 10, 30, 20], OUTSIDE),
    ],
)
def test_a_broken_box_is_skipped_by_name_and_still_counts_as_an_instance(
    tmp_path: Path, bbox: object, reason: str
) -> None:
    broken = box(7, 1, bbox, id=31)
    found, skipped = read(tmp_path, [broken, box(7, 2)])
    assert (found, skipped) == ([(7, "dining table")], {reason: ["annotation 31"]})
    found, skipped = read(tmp_path, [broken, box(7, 2), box(7, 1)])
    assert (found, skipped) == ([(7, "dining table")], {reason: ["annotation 31"]})


def test_an_annotation_without_the_key_bbox(tmp_path: Path) -> None:
    found, skipped = read(tmp_path, [{"image_id": 7, "category_id": 1}, box(5, 1)])
    assert (found, skipped) == ([(5, "person")], {"annotation: no bbox": ["annotation number 1 of the file"]})


def test_a_box_over_the_edge_is_kept_while_its_center_is_inside(tmp_path: Path) -> None:
    assert read(tmp_path, [box(7, 1, [-5, 30, 20, 30])]) == ([(7, "person")], {})


@pytest.mark.parametrize(
    ("annotation", "reason", "name"),
    [
        (box(7, 99, id=3), "unknown category_id", "annotation 3"),
        (box(99, 1, id=4), "unknown image_id", "annotation 4"),
        (box(None, 1, id=4), "unknown image_id", "annotation 4"),
        (box([7], 1, id=5), "unknown image_id", "annotation 5"),
        ({"bbox": [1, 1, 1, 1]}, "unknown image_id", "annotation number 2 of the file"),
        ("person", "unknown image_id", "annotation number 2 of the file"),
    ],
)  # fmt: skip
def test_an_annotation_of_nothing_known(tmp_path: Path, annotation: object, reason: str, name: str) -> None:
    assert read(tmp_path, [box(7, 1), annotation]) == ([(7, "person")], {f"annotation: {reason}": [name]})


def test_an_id_used_again_is_named_and_counts_as_an_instance(tmp_path: Path) -> None:
    found, skipped = read(tmp_path, [box(7, 1, id=3), box(7, 1, id=3), box(7, 2, id=4)])
    assert (found, skipped) == ([(7, "dining table")], {"annotation: id used before": ["annotation 3"]})


@pytest.mark.parametrize(
    "image",
    [
        {"id": 9, "file_name": "9.jpg", "width": 0, "height": 45},
        {"id": 9, "file_name": "9.jpg", "height": 45},
        {"id": 9, "width": 90, "height": 45},
        {"id": 9.5, "file_name": "9.jpg", "width": 90, "height": 45},
        {"id": True, "file_name": "9.jpg", "width": 90, "height": 45},
        {"id": 9, "file_name": "9.jpg", "width": None, "height": "wide"},
        {"id": 9, "file_name": "9\ud800.jpg", "width": 90, "height": 45},
        {"id": 9, "file_name": " ", "width": 90, "height": 45},
        {"id": 9, "file_name": "9\0.jpg", "width": 90, "height": 45},
        None,
    ],
)
def test_an_unusable_image_entry_is_skipped_with_its_annotations(tmp_path: Path, image: object) -> None:
    found, skipped = read(tmp_path, [box(9, 1, id=1), box(7, 1, id=2)], images=[*IMAGES, image])
    assert found == [(7, "person")]
    assert list(skipped) == [
        "image entry without a usable id, file_name, width and height",
        "annotation: unknown image_id",
    ]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"images": [*IMAGES, IMAGES[0]]}, "image id 7 is listed twice"),
        ({"categories": [*CATEGORIES, {"id": 1, "name": "dog"}]}, "category 1 is listed twice, as 'person' and 'dog'"),
        ({"categories": [*CATEGORIES, {"id": "1.0", "name": "dog"}]}, "category 1 is listed twice"),
        ({"categories": [{"id": 1}]}, r"left out: category without .*: 1, first category 1; .*unknown category_id: 1"),
        ({"categories": None}, "no list of categories"),
        ({"images": {}}, "no list of images"),
        ({"annotations": [{"image_id": 7, "id": 1, "caption": "A person."}]}, "no annotation has a bbox"),
    ],
    ids=["image twice", "category id twice", "category id as text", "nameless", "captions", "images", "no boxes"],
)
def test_a_file_that_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path, parts: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message) as error:
        read(tmp_path, [box(7, 1)], **parts)
    assert str(error.value).startswith(str(tmp_path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not readable as JSON"),
        (b'{"images": [', "not readable as JSON"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "not readable as JSON"),
        (b"[" * 100_000, "not readable as JSON"),
        (b"[]", "not COCO's instance annotations .no list of images in a list of 0"),
        (b'{"version": 5, "shapes": []}', "no list of images in an object of version, shapes"),
        (gzip.compress(b"{}"), "it is compressed by gzip; decompress it first"),
        (b"PK\x03\x04\x14\xff", "it is a ZIP archive; unpack it first"),
        (b"<annotation><folder>VOC</folder></annotation>", "it is XML or HTML, as Pascal VOC's annotations are"),
        (b"0 0.51 0.4 0.2 0.1\n", "it is YOLO's text of one photo"),
        (b"0 0.51 0.4 0.2 0.1\n3 0.1 0.4 0.2 0.1\n", "it is YOLO's text of one photo"),
        (b"\x89PNG\r\n\x1a\n", "it is a picture"),
        (b'{"images": [' + b"9" * 5000 + b"]}", "not readable as JSON"),
        (b'"text"', "not COCO's instance annotations"),
        (b'{"images": [], "categories": []}', "no list of annotations"),
    ],
    ids=[
        "empty",
        "cut off",
        "binary",
        "too deep",
        "list",
        "labelme",
        "gzip",
        "zip",
        "voc",
        "yolo",
        "yolo of two",
        "png",
        "huge number",
        "text",
        "no annotations",
    ],
)
def test_a_file_of_another_kind_is_refused_in_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        read_instances(path, Skips())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_any_unicode_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    path = written(tmp_path, [box(7, 1)])
    path.write_bytes(path.read_text().encode(encoding))
    assert len(read_instances(path, Skips())) == 1


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.json: no such file"):
        read_instances(tmp_path / "gone.json", Skips())
    with pytest.raises(DataError, match="is no file"):
        read_instances(tmp_path, Skips())


def test_skips_are_counted_with_the_first_few_names() -> None:
    skips = Skips(shown=2)
    for number in range(4):
        skips.add("missing", f"{number}.jpg")
    skips.add("empty", "9.jpg")
    assert skips.entries == [
        {"reason": "missing", "count": 4, "names": ["0.jpg", "1.jpg"]},
        {"reason": "empty", "count": 1, "names": ["9.jpg"]},
    ]
