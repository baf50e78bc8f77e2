import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tampering import change, change_listed, edit_json, part_about, png, rows_of

from ninefold.data.checks.certificate import certify, verify
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.data.sources.option_facts import listed_orders
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.errors import DataError
from ninefold.questions.absolute_position import AbsolutePosition
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, Box, border_distance, cell_of_box, label_of_cell
from ninefold.store import read_json, write_json
from ninefold.types import Example

LOOKS = {"red square", "blue circle"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two looks of the synthetic test set with a distractor, in two parts by look."""
    folder = tmp_path_factory.mktemp("sets") / "made"
    rows = [
        row
        for row in examples(SyntheticSpec("test", distractors=1, canvas=108))["test"]
        if row.factors["object"] in LOOKS
    ]
    parts = {look.split()[0]: [row for row in rows if row.factors["object"] == look] for look in sorted(LOOKS)}
    dataset.write(folder, parts, about=part_about(distractors=1, canvas=108))
    return folder


@pytest.fixture
def folder(made, tmp_path):
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def test_the_shipped_certificate_is_what_verify_finds(folder):
    found = verify(folder)
    assert found.pop("verdict") == "OK: 324 rows, every fact holds"
    assert found == read_json(folder / "certificate.json") == certify(folder)
    red = found["splits"]["red"]
    assert (red["rows"], red["distinct"]["objects"], red["distinct"]["prompts"]) == (162, 1, 18)
    assert red["text_only"][0]["reduced"] == "1/9"
    assert len(red["pixel_facts"]) == 5
    assert found["between"][0]["shared"]["objects"] == 0
    said = "\n".join(found["statements"])
    assert "red: whoever reads the prompt alone is right at most 18 times of 162 (1/9); 18 are distinct.\n" in said
    assert "cell x slot (0 to 1)" in said
    assert "blue and red share no ids, no images" in said


def test_a_missing_picture_is_named(folder):
    name = rows_of(folder)[1]["id"][9].as_py()
    change(folder, lambda rows: rows[9].update(image=None))
    with pytest.raises(DataError, match=f"row {name}: has no image"):
        verify(folder)


def test_a_broken_picture_is_named(folder):
    name = rows_of(folder)[1]["id"][9].as_py()
    change(folder, lambda rows: rows[9]["image"].update(bytes=rows[9]["image"]["bytes"][:40]))
    with pytest.raises(DataError, match=name):
        verify(folder)


@pytest.mark.parametrize(
    ("edit", "row", "said"),
    [
        (lambda rows: rows.pop(3), 3, "in manifest.parquet but not in the data files"),
        (
            lambda rows: rows.append(rows[3] | {"id": "new"}),
            None,
            "row new: in the data files but not in manifest.parquet",
        ),
        (lambda rows: rows.append(rows[3]), 3, "2 times in the data files"),
        (lambda rows: rows.insert(0, rows.pop(3)), 3, "stands where manifest.parquet lists"),
    ],
)
def test_missing_extra_and_moved_rows_are_named(folder, edit, row, said):
    name = rows_of(folder)[1]["id"][row].as_py() if row is not None else "new"
    change(folder, edit)
    with pytest.raises(DataError, match=said) as error:
        verify(folder)
    assert f"row {name}" in str(error.value)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda m: m["spec"].update(canvas=109), "canvas|manifest.json: was edited"),
        (lambda m: m.update(clustering="group", labels=["yes", "no"]), "labels is"),
        (lambda m: m["versions"].update(numpy="1"), r"manifest.json: was edited after certificate.json .*undo that"),
        (lambda m: m["splits"].pop("red"), "differing: red"),
        (lambda m: m["splits"]["red"].update(fingerprint="0" * 12), "red: says 162 rows with fingerprint 000000000000"),
        (lambda m: m["splits"]["red"].update(rows=163), "red: says 163 rows with fingerprint"),
        (lambda m: m["splits"]["red"].pop("rows"), "not a manifest"),
        (lambda m: m.pop("splits"), "not a manifest"),
        (lambda m: m.update(format=1), "format 1, .*make the data set again"),
    ],
)
def test_an_edited_manifest_is_found(folder, edit, said):
    edit_json(folder / "manifest.json", edit)
    with pytest.raises(DataError, match=said):
        verify(folder)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda rows: rows[4].update(text="0" * 32), "row {4}: its question"),
        (lambda rows: rows[4].update(id="other"), "row other: in manifest.parquet but not in the data files"),
        (lambda rows: rows[4].update(split="blue"), "row {4}: in manifest.parquet but not in the data files"),
        (lambda rows: rows[4].update(split="green"), "lists rows of splits that manifest.json lacks: green"),
        (lambda rows: rows[4].update(pixels="0" * 32), "red: says 162 rows with fingerprint"),
        (lambda rows: [row.pop("pixels") for row in rows], "not a manifest"),
        (lambda rows: [row.update(id=[1]) for row in rows], "not a manifest"),
    ],
)
def test_edited_rows_of_the_manifest_are_found(folder, edit, said):
    names = rows_of(folder)[1]["id"].to_pylist()
    path = folder / "manifest.parquet"
    rows = pq.read_table(path).to_pylist()
    first = next(index for index, row in enumerate(rows) if row["split"] == "red")
    red = rows[first:]
    edit(red)
    if isinstance(red[0].get("id"), list) or "pixels" not in red[0]:
        rows = []
    pq.write_table(pa.Table.from_pylist([*rows[:first], *red]), path)
    with pytest.raises(DataError, match=said.replace("{4}", names[4])):
        verify(folder)


def test_an_edited_pixel_hash_is_found_even_with_its_certificate(folder):
    change_listed(folder, lambda rows: rows[4].update(pixels="0" * 32))
    write_json(folder / "certificate.json", certify(folder))
    with pytest.raises(DataError, match=f"row {rows_of(folder)[1]['id'][4]}: broken: the decoded image"):
        verify(folder)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda c: c["splits"]["red"].update(rows=163), "splits.red.rows: the certificate says 163, the rows say 162"),
        (lambda c: c["splits"]["red"]["marginals"][0].update(exact=None), r"splits.red.marginals\[0\].exact"),
        (lambda c: c["splits"]["red"]["facts"].pop(), r"red.facts: the certificate says \d+ entries, .*undo that"),
        (lambda c: c.update(extra=1), "extra: the certificate says 1"),
        (lambda c: c["splits"].pop("blue"), "splits.blue"),
    ],
)
def test_an_edited_certificate_is_found(folder, edit, said):
    edit_json(folder / "certificate.json", edit)
    with pytest.raises(DataError, match=said):
        verify(folder)


@pytest.mark.parametrize("name", ["certificate.json", "manifest.json", "manifest.parquet"])
def test_missing_and_broken_files_are_named(folder, name):
    (folder / name).write_text("{")
    with pytest.raises(DataError, match=name):
        verify(folder)
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        verify(folder)


def test_parquet_that_cannot_be_read_is_named(folder):
    path, table = rows_of(folder)
    pq.write_table(table.drop_columns(["answer"]), path)
    with pytest.raises(DataError, match="column missing: answer"):
        verify(folder)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=path.name):
        verify(folder)


def photo(number, box, *, round_numbers=float, size=(60, 40)):
    picture = np.random.default_rng(number).integers(0, 255, (size[1], size[0], 3), np.uint8)
    cell = cell_of_box(Box(*map(round_numbers, box)), *size)
    answer = label_of_cell(cell)
    options = listed_orders(AbsolutePosition(), 0)[number % 9]
    return Example(
        id=f"{number}-dog",
        image=png(picture),
        question="Where is the dog?",
        prompt=prompt("Where is the dog?", options),
        options=options,
        answer=answer,
        group=str(number),
        factors={
            "image_id": number, "file_name": f"{number}.png", "category": "dog",
            "box_x": box[0], "box_y": box[1], "box_w": box[2], "box_h": box[3],
            "border_distance": border_distance(Box(*box), *size), "image_width": size[0], "image_height": size[1],
            "region": answer, "cell_row": cell.row, "cell_col": cell.col,
            "order": number % 9, "slot": options.index(answer),
        },
    )  # fmt: skip


BOXES = [(0.5, 3.25, 10.0, 12.5), (19.9, 5.0, 0.5, 0.5), (30.0, 20.0, 29.99, 19.99), (26.6, 13.3, 0.2, 0.2)]


def about_photos(**spec):
    source = CocoSource(CocoSpec(Path("annotations.json"), Path("images"), **spec))
    return replace(About("t", "d", source.settings(), source="coco"), question="absolute_position", labels=LABELS)


def write_photos(folder, **options):
    photos = [photo(number, box, **options) for number, box in enumerate(BOXES * 3)]
    dataset.write(folder, {"test": photos}, about=about_photos(truncate=options.get("round_numbers") is int))
    return read_json(folder / "certificate.json")["splits"]["test"]


def test_boxes_decide_the_answers_of_photos(tmp_path):
    stated = write_photos(tmp_path / "set")
    facts = {fact["fact"] for fact in stated["facts"]}
    assert "the cell is that of the box's center, computed exactly from the box's own numbers" in facts
    assert "the group is the image's id" in facts and "the question names the category" in facts
    assert len(stated["pixel_facts"]) == 2
    prior = next(view for view in stated["text_only"] if view["view"] == "question")
    assert prior["texts"] == 1 and prior["numerator"] == max(
        sum(1 for box in BOXES * 3 if label_of_cell(cell_of_box(Box(*box), 60, 40)) == label) for label in LABELS
    )
    assert ["category", "region"] in [entry["factors"] for entry in stated["marginals"]]
    verify(tmp_path / "set")


def test_boxes_cut_to_integers_are_said_to_be(tmp_path):
    stated = write_photos(tmp_path / "set", round_numbers=int)
    assert any("cut to integers" in fact["fact"] for fact in stated["facts"])
    assert not any("exactly" in fact["fact"] for fact in stated["facts"])


@pytest.mark.parametrize(
    ("name", "value", "fact"),
    [("box_x", 50.0, "box's center"), ("border_distance", 0.2, "border_distance"), ("group", "77", "the group is")],
)
def test_photos_that_contradict_their_boxes_are_named(tmp_path, name, value, fact):
    write_photos(tmp_path / "set")
    change(tmp_path / "set", lambda rows: rows[1].update({name: value}), split="test")
    with pytest.raises(DataError, match=f"row 1-dog: broken: .*{fact}"):
        verify(tmp_path / "set")


def test_a_photo_of_another_size_is_named(tmp_path):
    write_photos(tmp_path / "set")

    def shrink(rows):
        rows[1]["image"]["bytes"] = png(np.zeros((20, 30, 3), np.uint8))

    change(tmp_path / "set", shrink, split="test", manifest=True, certificate=True)
    with pytest.raises(DataError, match="row 1-dog: broken: the decoded image is as large as the row says"):
        verify(tmp_path / "set")


@pytest.mark.parametrize(
    "options",
    [{"canvas": 90}, {"canvas": 224, "antialias": True}, {"canvas": 100, "grid": 3}, {"canvas": 200, "grid": 15}],
)
def test_facts_hold_whatever_the_canvas_and_grid(tmp_path, options):
    rows = [
        row
        for place, row in enumerate(examples(SyntheticSpec("test", distractors=5, **options))["test"])
        if not place % 53
    ]
    dataset.write(tmp_path / "set", {"test": rows}, about=part_about(distractors=5, **options))
    assert verify(tmp_path / "set")["splits"]["test"]["rows"] == len(rows)


def test_any_number_of_parts_and_paths_for_pictures(tmp_path):
    paths = []
    for number, box in enumerate(BOXES * 3):
        example = photo(number, box)
        (tmp_path / f"{number}.png").write_bytes(example.image)
        paths.append(
            Example(**{**{f: getattr(example, f) for f in Example.__slots__}, "image": tmp_path / f"{number}.png"})
        )
    parts = {name: paths[4 * place : 4 * place + 4] for place, name in enumerate(("train", "validation", "test"))}
    dataset.write(tmp_path / "set", parts, about=about_photos(), embed=False)
    found = verify(tmp_path / "set")
    assert [pair["splits"] for pair in found["between"]] == [
        ["train", "validation"], ["train", "test"], ["validation", "test"],
    ]  # fmt: skip
    assert json.loads(json.dumps(found)) == found
    (tmp_path / "5.png").write_bytes((tmp_path / "4.png").read_bytes())
    with pytest.raises(DataError, match="row 5-dog: broken: the decoded image"):
        verify(tmp_path / "set")


def test_options_that_their_format_cannot_tell_apart_are_refused(tmp_path):
    example = photo(0, BOXES[0])
    options = ("Top left", "top left")
    fields = {name: getattr(example, name) for name in Example.__slots__}
    alike = Example(**{**fields, "options": options, "prompt": prompt(example.question, options), "answer": "Top left"})
    with pytest.raises(DataError, match="row 0-dog: broken: each option, or label of the data set, is read as itself"):
        dataset.write(tmp_path / "set", {"test": [alike]}, about=About("t", "d", {}))
