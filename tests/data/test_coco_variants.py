"""Annotation files as exports, tables and hands write them: the right questions, or a word that says why not."""

import json
import os
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ninefold.data.checks import certificate
from ninefold.data.make import make
from ninefold.data.sources.coco import copies
from ninefold.data.sources.coco.boxes import grid_of
from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.coco.ids import id_of
from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.errors import DataError, printable

WIDTH, HEIGHT = 120, 90
BOXES = {"top left": [5, 5, 20, 15], "center": [50, 35, 20, 15], "bottom right": [95, 70, 20, 15]}
CASES = Path(os.environ.get("NINEFOLD_CASES", Path(__file__).parents[2].parent / "shared" / "cases"))


def photo(path: Path, shade: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (WIDTH, HEIGHT), (shade, 90, 120)).save(path, "PNG")


def image(key: object, name: str, **more: Any) -> dict[str, Any]:
    return {"id": key, "file_name": name, "width": WIDTH, "height": HEIGHT} | more


def thing(image_id: object, where: str, category: object = 1, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": category, "bbox": BOXES[where], **more}


class Folder:
    """A folder with ``a.png`` and ``b.png`` in ``images``, and an annotation file about them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = folder / "images"
        photo(self.images / "a.png", 1)
        photo(self.images / "b.png", 2)
        self.skipped: dict[str, list[str]] = {}

    def asked(
        self, images: list[Any], things: list[Any], categories: list[Any] | None = None, **options: Any
    ) -> dict[str, tuple[str, str]]:
        content = {
            "images": images, "annotations": things, "categories": categories or [{"id": 1, "name": "fish"}]
        }  # fmt: skip
        path = self.folder / "ann.json"
        path.write_text(json.dumps(content))
        return self.read(CocoSpec(path, self.images, **options))

    def read(self, spec: CocoSpec) -> dict[str, tuple[str, str]]:
        source = CocoSource(spec)
        rows = list(source.splits()["test"].examples)
        self.skipped = {entry["reason"]: entry["names"] for entry in source.skips.entries}
        assert len({row.id for row in rows}) == len(rows)
        return {row.id: (row.question, row.answer) for row in rows}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


FISH = "Where is the fish?"


@pytest.mark.parametrize(
    ("value", "key"),
    [(7, 7), (7.0, 7), ("7", 7), (" 007 ", 7), ("7.0", 7), (2**70, 2**70), (str(2**70), 2**70), ("a-1", "a-1"),
     ("²", "²"), ("9" * 5000, "9" * 5000), (7.5, None), (True, None), (None, None), ("", None), ("a\n", "a"),
     ("a\nb", None), (float("nan"), None), (float("inf"), None), ([7], None), ({}, None)],
)  # fmt: skip
def test_an_id_is_the_same_however_it_is_written(value: object, key: object) -> None:
    assert id_of(value) == key


@pytest.mark.parametrize(("listed", "used"), [("000042", 42), (42, "42"), (42.0, "000042"), ("x 1", " x 1 ")])
def test_image_and_category_ids_are_matched_across_the_lists(folder: Folder, listed: object, used: object) -> None:
    category = [{"id": listed, "name": "fish"}]
    asked = folder.asked([image(listed, "a.png")], [thing(used, "top left", used)], category)
    assert list(asked.values()) == [(FISH, "top left")]


def test_equal_ids_written_differently_are_counted_together(folder: Folder) -> None:
    things = [thing(1, "top left"), thing(1.0, "center"), thing("1", "bottom right")]
    with pytest.raises(DataError, match=r"nothing to ask: .*image 1, for one, has 3 of 'fish'"):
        folder.asked([image(1, "a.png")], things)
    with pytest.raises(DataError, match="image id 1 is listed twice"):
        folder.asked([image(1, "a.png"), image("1", "b.png")], things)


@pytest.mark.parametrize("key", [2**64 + 5, -(2**70), "frame 12", "12/7"])
def test_ids_of_any_size_and_text_can_be_written_and_verified(folder: Folder, key: object) -> None:
    folder.asked([image(key, "a.png"), image(3, "b.png")], [thing(key, "center"), thing(3, "top left")])
    make(CocoSource(CocoSpec(folder.folder / "ann.json", folder.images)), folder.folder / "out")
    certificate.verify(folder.folder / "out")


def test_ids_in_text_do_not_collide(folder: Folder) -> None:
    images = [image("1", "a.png"), image("1-a", "b.png")]
    asked = folder.asked(
        images,
        [thing("1", "center", 1), thing("1-a", "top left", 2)],
        [{"id": 1, "name": "a-b"}, {"id": 2, "name": "b"}],
    )
    assert asked == {"1-a-b": ("Where is the a-b?", "center"), "1-a-b~2": ("Where is the b?", "top left")}


def test_names_that_make_the_same_id_do_not_collide(folder: Folder) -> None:
    categories = [{"id": 1, "name": "stop sign"}, {"id": 2, "name": "stop-sign"}]
    asked = folder.asked([image(0, "a.png")], [thing(0, "center", 1), thing(0, "top left", 2)], categories)
    assert list(asked) == ["0-stop-sign", "0-stop-sign~2"]


@pytest.mark.parametrize("other", ["Stop Sign ", "stop  sign", "STOP SIGN", "stop\u00a0sign"])
def test_equal_names_are_one_category(folder: Folder, other: str) -> None:
    categories = [{"id": 1, "name": other}, {"id": 2, "name": "stop sign"}]
    images = [image(0, "a.png"), image(1, "b.png")]
    asked = folder.asked(images, [thing(0, "center", 1), thing(0, "top left", 2), thing(1, "center", 2)], categories)
    assert [answer for _, answer in asked.values()] == ["center"]


def test_a_root_category_with_the_name_of_a_class(folder: Folder) -> None:
    categories = [{"id": 0, "name": "fish", "supercategory": "none"}, {"id": 1, "name": "fish"}]
    assert folder.asked([image(0, "a.png")], [thing(0, "top left")], categories) == {"0-fish": (FISH, "top left")}


def test_one_file_under_two_image_ids_is_one_photo(folder: Folder) -> None:
    images = [image(0, "a.png"), image(1, "images/../a.png"), image(2, "b.png")]
    things = [thing(0, "top left"), thing(1, "bottom right"), thing(2, "center")]
    with pytest.raises(DataError, match="no photo has exactly one thing of a category"):
        folder.asked(images[:2], things[:2])
    assert folder.asked(images, things) == {"2-fish": (FISH, "center")}
    [reason] = folder.skipped
    assert "counted together" in reason
    assert folder.skipped[reason] == ["images/../a.png as image 1, earlier 0"]


def test_a_link_to_a_photo_is_that_photo_and_may_leave_the_folder(folder: Folder) -> None:
    photo(folder.folder / "elsewhere" / "c.png", 3)
    (folder.images / "c.png").symlink_to(folder.folder / "elsewhere" / "c.png")
    (folder.images / "d.png").symlink_to("a.png")
    images = [image(0, "a.png"), image(1, "d.png"), image(2, "c.png")]
    things = [thing(0, "top left"), thing(1, "center"), thing(2, "center")]
    assert folder.asked(images, things) == {"2-fish": (FISH, "center")}


def test_copies_of_a_photo_are_one_photo(folder: Folder) -> None:
    (folder.images / "c.png").write_bytes((folder.images / "a.png").read_bytes())
    images = [image(0, "a.png"), image(1, "b.png"), image(2, "c.png")]
    things = [thing(0, "top left"), thing(1, "center"), thing(2, "bottom right"), thing(2, "center", 2)]
    categories = [{"id": 1, "name": "fish"}, {"id": 2, "name": "boat"}]
    asked = folder.asked(images, things, categories)
    assert asked == {"0-boat": ("Where is the boat?", "center"), "1-fish": (FISH, "center")}
    [reason] = folder.skipped
    assert folder.skipped[reason] == ["c.png as image 2, earlier 0"]


@pytest.mark.parametrize("subset", [None, 2])
def test_of_the_same_pixels_in_two_files_the_first_is_used(folder: Folder, subset: int | None) -> None:
    Image.open(folder.images / "a.png").save(folder.images / "c.bmp")
    images = [image(0, "a.png"), image(1, "b.png"), image(2, "c.bmp")]
    things = [thing(number, where) for number, where in enumerate(BOXES)]
    assert len(folder.asked(images, things, subset=subset)) == 2
    if subset is None:
        assert folder.skipped == {"photo: the same picture as an earlier one, in another file": ["c.bmp"]}
    make(CocoSource(CocoSpec(folder.folder / "ann.json", folder.images, subset=subset)), folder.folder / "out")
    certificate.verify(folder.folder / "out")


def test_files_are_told_apart_by_size_then_end_then_all_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    whole = copies._hash
    monkeypatch.setattr(copies, "_hash", lambda path: read.append(path.name) or whole(path))
    contents = {
        "size": b"1", "end": bytes(9000) + b"1", "one": b"1" + bytes(9000), "other": b"2" + bytes(9000),
        "copy": b"1" + bytes(9000), "again": b"1" + bytes(9000),
    }  # fmt: skip
    known, first = copies.Copies(), {}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        first[name] = known.first(tmp_path / name, (tmp_path / name).stat()).name
    assert first == {name: "one" if name in {"copy", "again"} else name for name in contents}
    assert read == ["one", "other", "copy", "again"]


def test_empty_files_are_no_copies(folder: Folder) -> None:
    for name in ("c.png", "d.png"):
        (folder.images / name).touch()
    images = [image(number, f"{name}.png") for number, name in enumerate("acd")]
    folder.asked(images, [thing(number, "center") for number in range(3)])
    assert folder.skipped == {"photo: truncated, or not readable as an image": ["c.png", "d.png"]}


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.png", "images/a.png"),
        ("a.png", "./a.png"),
        ("a.png", "data/images/a.png"),
        ("a.png", "C:\\data\\images\\a.png"),
        ("a.png", "IMAGES\\A.PNG"),
        ("sub/c d.png", "sub\\c d.png"),
        ("sub/c d.png", "sub/c%20d.png"),
        ("c%20d.png", "c%20d.png"),
        ("c%20d.png", "c d.png"),
        ("c.png", " c.png "),
        ("C.PNG", "c.png"),
        (unicodedata.normalize("NFD", "é.png"), unicodedata.normalize("NFC", "é.png")),
        (unicodedata.normalize("NFC", "é.png"), unicodedata.normalize("NFD", "images/é.png")),
        ("new\nline.png", "new\nline.png"),
        ("at 3.00\u202fPM.png", "at 3.00\u202fPM.png"),
    ],
)
def test_a_photo_is_found_by_a_name_that_an_export_has_changed(folder: Folder, file: str, name: str) -> None:
    photo(folder.images / file)
    assert folder.asked([image(0, name)], [thing(0, "center")]) == {"0-fish": (FISH, "center")}


def test_an_exact_name_comes_before_one_that_is_alike(folder: Folder) -> None:
    for shade, name in enumerate(("c%20d.png", "c d.png", "C D.png")):
        photo(folder.images / name, shade)
    images = [image(0, "c d.png"), image(1, "c%20d.png")]
    assert len(folder.asked(images, [thing(0, "center"), thing(1, "center")])) == 2
    with pytest.raises(DataError, match=r"no photo can be used .*photo: missing: 1, first c D\.png"):
        folder.asked([image(0, "c D.png")], [thing(0, "center")])


@pytest.mark.parametrize(
    "name", ["../secret.png", "..\\secret.png", "%2e%2e/secret.png", "x/../../secret.png", "{folder}/secret.png"]
)
def test_a_name_never_leaves_the_folder(folder: Folder, name: str) -> None:
    photo(folder.folder / "secret.png")
    images = [image(0, name.format(folder=folder.folder)), image(1, "b.png")]
    assert list(folder.asked(images, [thing(0, "center"), thing(1, "center")])) == ["1-fish"]
    assert list(folder.skipped) == ["photo: file_name leaves the folder of images"]


def test_the_place_of_a_missing_photo_is_shown(folder: Folder) -> None:
    with pytest.raises(DataError, match=r"photo: missing: 1, first train/x\.png\); .*images/train/x\.png is not there"):
        folder.asked([image(0, "train/x.png")], [thing(0, "center")])
    folder.asked([image(0, "train/x.png"), image(1, "a.png")], [thing(0, "center"), thing(1, "center")])
    source = CocoSource(CocoSpec(folder.folder / "ann.json", folder.images))
    assert len(list(source.splits()["test"].examples)) == 1
    assert [note for note in source.about().notes if note.endswith("images/train/x.png is not there")]


def test_a_subset_of_photos_that_cannot_be_used_says_why(folder: Folder) -> None:
    images = [image(0, "a.png"), image(1, "b.png"), image(2, "gone.png")]
    things = [thing(number, "center") for number in range(3)]
    with pytest.raises(DataError, match=r"no photo can be used \(left out: photo: missing: 1, first gone\.png\)"):
        folder.asked(images[2:], things[2:], subset=1)
    (folder.images / "b.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0")
    with pytest.raises(
        DataError, match=r"--subset 2: there are 1 .*: 1, first b\.png; photo: missing: 1.*; use --subset 1 or less"
    ):
        folder.asked(images, things, subset=2)
    assert len(folder.asked(images, things, subset=1)) == 1


def test_the_same_file_name_in_two_folders_is_two_photos(folder: Folder) -> None:
    photo(folder.images / "x" / "a.png", 3)
    photo(folder.images / "y" / "a.png", 4)
    images = [image(0, "x/a.png"), image(1, "y/a.png")]
    assert len(folder.asked(images, [thing(0, "center"), thing(1, "center")])) == 2


def fractions(where: str) -> list[float]:
    x, y, w, h = BOXES[where]
    return [x / WIDTH, y / HEIGHT, w / WIDTH, h / HEIGHT]


def test_boxes_as_fractions_are_refused_by_name_or_scaled(folder: Folder) -> None:
    images = [image(number, "ab"[number] + ".png") for number in range(2)]
    things = [
        {**thing(number, "center"), "bbox": fractions(w)} for number, w in enumerate(("top left", "bottom right"))
    ]
    with pytest.raises(
        DataError,
        match=r"2 of 2 annotations have a bbox given as fractions of the photo .* read them with --boxes fraction",
    ):
        folder.asked(images, things)
    asked = folder.asked(images, things, boxes="fraction")
    assert asked == {"0-fish": (FISH, "top left"), "1-fish": (FISH, "bottom right")}
    with pytest.raises(DataError, match=r"1 of 1 annotations have a bbox given in pixels .* read them without --boxes"):
        folder.asked(images, [thing(0, "bottom right")], boxes="fraction")


def test_a_fraction_among_pixels_is_left_out_by_name(folder: Folder) -> None:
    things = [thing(0, "center"), {**thing(1, "center", id=8), "bbox": fractions("bottom right")}]
    assert list(folder.asked([image(0, "a.png"), image(1, "b.png")], things)) == ["0-fish"]
    assert folder.skipped == {
        "annotation: bbox given as fractions of the photo (numbers up to 1), not in pixels": ["annotation 8"]
    }


def test_boxes_as_corners_are_refused_by_name(folder: Folder) -> None:
    images = [image(0, "a.png")]
    categories = [{"id": number, "name": f"fish {number}"} for number in range(5)]
    spots = [(5, 5), (50, 35), (95, 70), (80, 10), (10, 70)]
    corners = [{"image_id": 0, "category_id": n, "bbox": [x, y, x + 20, y + 15]} for n, (x, y) in enumerate(spots)]
    with pytest.raises(DataError, match=r"its boxes are corners \(left, top, right, bottom\)"):
        folder.asked(images, corners, categories)
    # One box that cannot be corners, and the others are boxes like any: most lie outside the photo.
    assert list(folder.asked(images, [*corners, thing(0, "center", 1)], categories)) == ["0-fish-0"]
    assert len(folder.skipped["annotation: bbox centered outside its image"]) == 3


def on_grid(grid: float, side: int, count: int = 12) -> tuple[list[Any], list[Any]]:
    """Return images of a side, each with a box on a grid of another side; the boxes reach all around it."""
    places = [number / (count - 1) * 0.85 * grid for number in range(count)]
    boxes = [[x, y, 0.1 * grid, 0.1 * grid] for x, y in zip(places, reversed(places), strict=True)]
    images = [image(number, f"{number}.png", width=side, height=side) for number in range(count)]
    return images, [{"image_id": number, "category_id": 1, "bbox": box} for number, box in enumerate(boxes)]


@pytest.mark.parametrize(
    ("grid", "side", "word"),
    [(100, 200, "--boxes percent"), (100, 640, "--boxes percent"), (100, 64, "--boxes percent"),
     (1000, 600, "convert them to pixels"), (1000, 2048, "convert them to pixels"),
     (100, 100, None), (150, 150, None), (90, 120, None), (640, 640, None), (1000, 1000, None), (1000, 1200, None)],
)  # fmt: skip
def test_boxes_on_a_grid_are_refused_by_name(folder: Folder, grid: int, side: int, word: str | None) -> None:
    images, things = on_grid(grid, side)
    for number in range(len(images) if side < 2000 else 0):
        Image.new("RGB", (side, side), (number, 0, 0)).save(folder.images / f"{number}.png")
    if word is None:
        assert len(folder.asked(images, things)) == 12
        return
    with pytest.raises(DataError, match=f"its boxes are on a grid of 0 to {grid:,}.*{word}"):
        folder.asked(images, things)
    if grid == 100:
        asked = folder.asked(images, things, boxes="percent")
        fractions_of = [{**row, "bbox": [number / 100 for number in row["bbox"]]} for row in things]
        assert asked == folder.asked(images, fractions_of, boxes="fraction")
        assert {answer for _, answer in asked.values()} == {"bottom left", "center", "top right"}


@pytest.mark.parametrize("corner", [(0, 0), (0, 80), (80, 0)])
def test_things_in_one_corner_of_large_photos_are_in_pixels(corner: tuple[int, int]) -> None:
    boxes = ([corner[0] + number, corner[1], 8, 8] for number in range(12))
    things = [(box, Photo(0, "a.png", 640, 480)) for box in boxes]
    assert grid_of(things) is None
    assert grid_of([]) is None
    assert grid_of([([float("nan"), 10**400, 1, 1], Photo(0, "a.png", 640, 480))] * 20) is None


def test_percent_boxes_in_pixels_are_refused(folder: Folder) -> None:
    things = [{**thing(0, "center"), "bbox": [210, 10, 20, 20]}]
    with pytest.raises(DataError, match=r"given in pixels .* read them without --boxes percent"):
        folder.asked([image(0, "a.png")], things, boxes="percent")


def test_what_cannot_be_asked_is_said_with_what_was_left_out(folder: Folder) -> None:
    with pytest.raises(DataError) as error:
        folder.asked([image(0, "a.png"), image(1, "b.png", width=None)], [thing(1, "center"), thing(0, "center", 9)])
    assert str(error.value).endswith(
        "none of its 1 usable images has an annotation of a known category (left out: image entry without a usable id, "
        "file_name, width and height: 1, first image 1; annotation: unknown image_id: 1, first annotation number 1 of "
        "the file; annotation: unknown category_id: 1, first annotation number 2 of the file)"
    )


@pytest.mark.parametrize("size", [{"width": "120", "height": 90.0}, {"width": 120.0, "height": " 90 "}])
def test_a_size_as_text_or_with_a_point(folder: Folder, size: dict[str, Any]) -> None:
    assert folder.asked([image(0, "a.png", **size)], [thing(0, "center")]) == {"0-fish": (FISH, "center")}


def test_names_with_control_characters_are_escaped_in_messages(folder: Folder) -> None:
    with pytest.raises(DataError, match=r"first gone\\n\\x1b\[31m\.png"):
        folder.asked([image(0, "gone\n\x1b[31m.png")], [thing(0, "center")])
    assert printable("a\tb\u202ec\ud800é 5\u202f%") == r"a\tb\u202ec\ud800é 5" + "\u202f%"


CASE_ANSWERS: dict[str, list[str] | str] = {
    "coco-normalized": "3 of 3 annotations have a bbox given as fractions of the photo",
    "coco-photo-twice": ["center"],
    "coco-string-ids": ["top left"],
    "coco-mixed": "image 1, for one, has 3 of 'car'",
    "coco-roboflow-root": ["top left", "bottom right"],
    "coco-folder-in-front": ["top left", "bottom right"],
    "coco-names-alike": ["top left", "bottom right", "center"],
    "coco-huge-ids": ["top left"],
    "coco-thin": ["top left", "bottom center"],
}


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no cases at {CASES}; NINEFOLD_CASES names another folder")
@pytest.mark.parametrize("name", CASE_ANSWERS)
def test_shared_cases(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CASES / name)
    spec = CocoSpec(Path("ann.json"), Path("images"))
    answers = CASE_ANSWERS[name]
    if isinstance(answers, str):
        with pytest.raises(DataError, match=answers):
            make(CocoSource(spec), tmp_path / "out")
    else:
        data = make(CocoSource(spec), tmp_path / "out")
        certificate.verify(tmp_path / "out")
        assert [row.answer for row in data.read("test")] == answers
    if name == "coco-normalized":
        scaled = make(CocoSource(replace(spec, boxes="fraction")), tmp_path / "out")
        assert [row.answer for row in scaled.read("test")] == ["top left", "bottom right", "center"]
