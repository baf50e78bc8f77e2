"""COCO sets whose rows were changed together with their hashes: each is refused by a fact, or said to be uncompared."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tampering import change, edit_json

from ninefold.data import api
from ninefold.data.checks.certificate import certify
from ninefold.data.make import make
from ninefold.data.sources.coco.facts import _in_one_order
from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.errors import DataError
from ninefold.questions.prompt import prompt
from ninefold.store import write_json

SIDE = 36


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Nine photos with two things each, and the set made of them."""
    folder = tmp_path_factory.mktemp("coco")
    (folder / "images").mkdir()
    images, things = [], []
    for number in range(9):
        pixels = np.random.Generator(np.random.PCG64(number)).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
        x, y = 12 * (number % 3) + 2, 12 * (number // 3) + 2
        things.append({"image_id": number, "category_id": 1, "bbox": [x, y, 8, 8]})
        things.append({"image_id": number, "category_id": 2, "bbox": [SIDE - 8 - x, SIDE - 8 - y, 8, 8]})
    categories = [{"id": 1, "name": "hot dog"}, {"id": 2, "name": "cat"}]
    content = {"images": images, "annotations": things, "categories": categories}
    (folder / "ann.json").write_text(json.dumps(content))
    make(CocoSource(CocoSpec(folder / "ann.json", folder / "images")), folder / "set")
    return folder


@pytest.fixture
def forge(files, tmp_path):
    """Return a function that edits rows, makes all hashes agree, and returns what the rows break."""

    def forged(edit):
        shutil.copytree(files / "set", tmp_path / "set")
        change(tmp_path / "set", edit, manifest=True, split="test")
        with pytest.raises(DataError) as error:
            certify(tmp_path / "set")
        return str(error.value).partition("broken: ")[2]

    return forged


def another_photo(rows):
    rows.append(dict(rows[0], id="99-hot-dog", image_id=99, group="99", file_name="99.png"))


def rename(row, category):
    question = row["question"].replace(row["category"], category)
    row.update(category=category, question=question, prompt=prompt(question, row["options"]))


def another_category(rows):
    rows.insert(1, dict(rows[0], id="0-sausage"))
    rename(rows[1], "sausage")


def move_within_photos(rows):
    rows[2], rows[3] = rows[3], rows[2]


def initials(rows):
    for row in rows:
        rename(row, f"{row['category']}\n{row['answer'][0]}")
        row["id"] = f"{row['image_id']}-{row['category'].replace(' ', '-')}"


@pytest.mark.parametrize(
    ("edit", "broken"),
    [
        (another_photo, "all rows of its picture have one image id"),
        (lambda rows: rows[1].update(image=rows[4]["image"]), "all rows of its image id show one picture"),
        (lambda rows: rows.reverse(), "rows are in the order of image ids"),
        (move_within_photos, "rows of one image are in one order of categories in all images"),
        (lambda rows: rows[0].update(id="0-hot-dog\n"), "the id is that of image and category"),
        (lambda rows: rows[0].update(id="0-" + rows[0]["answer"]), "the id is that of image and category"),
        (lambda rows: rows[0].update(id="0-hot-dog~1"), "the id is that of image and category"),
        (lambda rows: rows[0].update(box_w=-8.0, box_x=10.0), "the box has an area"),
        (lambda rows: rows[0].update(box_w=float("nan")), "the box has an area"),
        (lambda rows: rows[0].update(box_x=60.0), "the box has an area, and its center is in the photo"),
        (lambda rows: rows[0].update(image_width=0), "the photo has a size"),
        (lambda rows: rows[0].update(file_name="../../etc/passwd"), "file_name stays below the folder of photos"),
        (lambda rows: rows[0].update(file_name="/etc/passwd"), "file_name stays below the folder of photos"),
        (lambda rows: rows[0].update(file_name="..%2F..%5Cpasswd"), "file_name stays below the folder of photos"),
        (lambda rows: rows[0].update(file_name=" "), "file_name stays below the folder of photos"),
        (initials, "the category is a name in printable letters"),
        (lambda rows: rows[0].update(border_distance=float("inf")), "border_distance"),
    ],
)  # fmt: skip
def test_what_the_source_never_makes_is_refused(forge, edit, broken):
    assert forge(edit).startswith(broken)


def test_what_only_the_annotations_tell_is_said(files, tmp_path):
    verdict = api.verify(files / "set")["verdict"]
    assert verdict == (
        "OK: 18 rows, every fact holds; rows were not compared with the annotations and images that they are made "
        "from: --reproduce --annotations ... --images ... does it"
    )
    shutil.copytree(files / "set", tmp_path / "set")
    change(tmp_path / "set", another_category, manifest=True, split="test")
    change(tmp_path / "set", lambda rows: rows.pop(), manifest=True, certificate=True, split="test")
    given = {"annotations": files / "ann.json", "images": files / "images"}
    with pytest.raises(DataError, match="row 0-sausage: broken: stands where the specification makes 0-cat"):
        api.verify(tmp_path / "set", reproduce=True, **given)
    assert api.verify(files / "set", reproduce=True, **given)["verdict"].endswith("made again they are the same")


def test_the_annotations_are_those_that_the_manifest_names(files, tmp_path):
    shutil.copytree(files / "set", tmp_path / "set")
    edit_json(tmp_path / "set" / "manifest.json", lambda manifest: manifest["spec"].update(annotations="x.json"))
    write_json(tmp_path / "set" / "certificate.json", certify(tmp_path / "set"))
    with pytest.raises(DataError, match=r"rows are made from x\.json, which --annotations .*ann\.json is not"):
        api.verify(tmp_path / "set", reproduce=True, annotations=files / "ann.json", images=files / "images")


@pytest.mark.parametrize(
    ("photos", "expected"),
    [
        (["ab", "bc", "ac"], [True] * 6),
        (["ab", "c", "ba"], [True, False, True, True, False]),
        (["ab", "bc", "ca"], [True, False, True, False, True, False]),
        (["a"], [True]),
        ([], []),
    ],
)
def test_categories_have_one_order(photos, expected):
    assert _in_one_order([(photo, name) for photo, names in enumerate(photos) for name in names]) == expected


def test_names_that_lead_out_and_back_are_recorded_below_the_folder(files, tmp_path):
    content = json.loads((files / "ann.json").read_text())
    for image in content["images"]:
        image["file_name"] = f"../images/{image['id']}.png" if image["id"] % 2 else str(files / "images" / "0.png")
    (tmp_path / "ann.json").write_text(json.dumps(content))
    rows = CocoSource(CocoSpec(tmp_path / "ann.json", files / "images")).splits()["test"].examples
    assert {row.factors["file_name"] for row in rows} == {"1.png", "3.png", "5.png", "7.png"}
