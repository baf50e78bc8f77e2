"""3DSRBench: the four protocols by hand, the kits' files, odd rows."""

import base64
import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ninefold.data.checks.certificate import verify
from ninefold.data.make import make
from ninefold.data.sources.benchmarks.threedsrbench import ThreeDsrBenchSource, ThreeDsrBenchSpec
from ninefold.errors import DataError

ONE, TWO = "AAAAAAA1", "BBBBBBB2"
FILE = "3dsrbench_v1_vlmevalkit_circular.tsv"


def picture(gray: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (gray, gray, gray)).save(buffer, "PNG")
    return buffer.getvalue()


def row(qid: str, options: str = "left right", answer: str = "A", **more: Any) -> dict[str, Any]:
    listed = dict(zip("ABCD", [*options.split(), "", ""], strict=False))
    return {
        "qid": qid, "question": "Is the mug left or right?", **listed, "answer": answer,
        "category": "orientation_on_the_left", **more,
    }  # fmt: skip


ROWS = [
    row(ONE), row(f"{ONE}-1", "right left", "B"), row(f"{ONE}-flip", answer="B"),
    row(f"{ONE}-flip-1", "right left", "A"),
    row(TWO, category="height_higher"), row(f"{TWO}-1", "right left", "B", category="height_higher"),
]  # fmt: skip
"""A question with four rows, and one that has no mirrored photo, as in the official table."""


def written(folder: Path, rows: list[dict[str, Any]], name: str = FILE) -> Path:
    if name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(rows), folder / name)
        return folder
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for each in rows for key in each)), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return folder


def in_words(folder: Path, **options: Any) -> ThreeDsrBenchSource:
    return ThreeDsrBenchSource(ThreeDsrBenchSpec(folder, **options))


def scored(folder: Path, wrong: set[str]) -> pd.DataFrame:
    rows = in_words(folder, text_only=True).splits()["test"].examples
    return pd.DataFrame({"id": x.id, "group": x.group, "correct": x.id not in wrong, **x.factors} for x in rows)


def values(figures: dict[str, Any]) -> dict[str, tuple[int, float | None]]:
    return {name: (figure["n"], figure["value"]) for name, figure in figures.items()}


def test_the_four_protocols_by_hand(tmp_path: Path) -> None:
    table = scored(written(tmp_path, ROWS), wrong={f"{ONE}-flip-1"})
    measures, by = ThreeDsrBenchSource.measures(table)
    # Groups of flips: ONE in both orders, TWO in both; circles: ONE, ONE mirrored, TWO.
    assert values(measures) == {
        "vanilla": (6, 5 / 6), "flip": (4, 3 / 4), "circular": (3, pytest.approx(2 / 3)), "flip_circular": (2, 1 / 2),
    }  # fmt: skip
    expected = {"vanilla": (4, 3 / 4), "flip": (2, 1 / 2), "circular": (2, 1 / 2), "flip_circular": (1, 0)}
    assert values(by["category"]["orientation_on_the_left"]) == values(by["area"]["orientation"]) == expected
    assert values(by["area"]["height"]) == dict.fromkeys(["vanilla", "flip"], (2, 1)) | dict.fromkeys(
        ["circular", "flip_circular"], (1, 1)
    )
    # What lacks a row counts neither way.
    part, _ = ThreeDsrBenchSource.measures(table[1:])
    assert values(part) == {"vanilla": (5, 4 / 5), "flip": (3, 2 / 3), "circular": (2, 1 / 2), "flip_circular": (1, 1)}


def test_protocols_that_a_table_has_no_rows_for_are_of_no_questions(tmp_path: Path) -> None:
    folder = written(tmp_path, [row(ONE), row(TWO)], "3DSRBench.tsv")
    measures, _ = ThreeDsrBenchSource.measures(scored(folder, wrong={ONE}))
    assert measures["vanilla"]["value"] == 1 / 2
    assert all(measures[name] == {"n": 0, "value": None, "ci95": None} for name in ("flip", "circular"))


def test_a_data_set_of_the_official_table_has_its_prompt_and_images(tmp_path: Path) -> None:
    images = [base64.b64encode(picture(1)).decode(), "0", "0", "0", base64.b64encode(picture(2)).decode(), "4"]
    url = "http://images.cocodataset.org/val2017/{:012d}.jpg"
    rows = [
        {"index": number, **each, "image": image, "image_url": url.format(number // 4 + 139)}
        for number, (each, image) in enumerate(zip(ROWS, images, strict=True))
    ]
    folder = written(tmp_path, rows)
    made = list(make(in_words(folder), tmp_path / "out").read("test"))
    assert verify(tmp_path / "out")["verdict"].startswith("OK: 6 rows, every fact holds")
    assert made[1].prompt == (
        "Question: Is the mug left or right?\nOptions:\nA. right\nB. left\n"
        "Please select the correct answer from the options above. \n"
    )
    assert [example.image for example in made] == [picture(1)] * 4 + [picture(2)] * 2
    assert [example.group for example in made] == ["000000000139.jpg"] * 4 + ["000000000140.jpg"] * 2
    assert made[1].answer == "left"


def test_images_are_files_where_a_table_holds_none_but_not_of_mirrored_photos(tmp_path: Path) -> None:
    url = "http://images.cocodataset.org/val2017/000000000139.jpg"
    rows = [{**each, "index": each["qid"], "image_url": url} for each in ROWS[:4]]
    folder = written(tmp_path, rows, "3dsrbench_v1-00000-of-00001.parquet")
    (tmp_path / "coco_images").mkdir()
    (tmp_path / "coco_images" / "000000000139.jpg").write_bytes(picture(3))
    with pytest.raises(DataError, match=rf"2 of 3 images are missing \({ONE}-flip, {ONE}-flip-1\); looked in"):
        in_words(folder).splits()
    made = list(in_words(folder, allow_missing=True).splits()["test"].examples)
    assert [example.id for example in made] == [ONE, f"{ONE}-1"]
    assert made[0].factors["question_rows"] == 4


def test_odd_rows_are_counted_and_named(tmp_path: Path) -> None:
    odd = [
        row("short"), row(f"{ONE}-{10**9}"), row("CCCCCCC3", "left"), row("CCCCCCC4", "left left"),
        row("CCCCCCC5", answer="C"), row("CCCCCCC6", category="new"), row(ONE), row("CCCCCCC7", B="", C="right"),
    ]  # fmt: skip
    five = row("DDDDDDD8", "a b c d", answer="E", E="e")
    source = in_words(written(tmp_path, [row(ONE), *odd, five]), text_only=True)
    last = list(source.splits()["test"].examples)[1:]
    assert [example.options for example in last] == [("a", "b", "c", "d", "e")]
    assert "\nE. e\n" in last[0].prompt
    assert [(entry["reason"], entry["names"]) for entry in source.skips.entries] == [
        ("its qid is not 8 characters, perhaps -flip, perhaps a number", ["short", f"{ONE}-{10**9}"]),
        ("no question, or no options from A on", ["CCCCCCC3", "CCCCCCC7"]),
        ("its options cannot be told apart", ["CCCCCCC4"]),
        ("its answer is the letter of no option", ["CCCCCCC5"]),
        ("its category is unknown", ["CCCCCCC6"]),
        ("the id of an earlier row", [ONE]),
    ]
    with pytest.raises(DataError, match=r"no row can be used \(left out: its qid .*: 1, first short\); fetch the file"):
        in_words(written(tmp_path, [row("short")]), text_only=True).splits()
    (tmp_path / FILE).unlink()
    with pytest.raises(DataError, match=r"no table of 3DSRBench; fetch 3dsrbench_v1_vlmevalkit_circular\.tsv"):
        in_words(tmp_path, text_only=True).splits()
