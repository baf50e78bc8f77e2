"""The files of benchmarks: tables of evaluation kits, and images found by name."""

import base64
import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ninefold.data.sources.benchmarks.pictures import Pictures
from ninefold.data.sources.benchmarks.tables import kit_rows
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError


def picture(gray: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (gray, gray, gray)).save(buffer, "PNG")
    return buffer.getvalue()


def tsv(path: Path, rows: list[dict[str, object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_rows_of_a_tsv_share_the_image_of_the_row_whose_index_they_name(tmp_path: Path) -> None:
    one, other = picture(1), picture(2)
    path = tsv(tmp_path / "a.tsv", [
        {"index": 0, "image": "2", "question": 'A "q"\nin two lines', "A": "nan", "B": ""},
        {"index": 1, "image": base64.b64encode(one).decode(), "question": "q", "A": "x", "B": "None"},
        {"index": 2, "image": base64.b64encode(other).decode(), "question": "q", "A": "x", "B": "7"},
        {"index": 3, "image": "not base64 at all, and yet longer than any index of a row would be!", "question": "",
         "A": "", "B": ""},
    ])  # fmt: skip
    rows = list(kit_rows(path))
    assert [row.image for row in rows] == [other, one, other, None]
    assert rows[0].values == {"index": "0", "question": 'A "q"\nin two lines'}
    assert rows[1].values == {"index": "1", "question": "q", "A": "x", "B": "None"}


def test_rows_of_parquet_hold_images_as_the_hub_stores_them(tmp_path: Path) -> None:
    images = [{"bytes": picture(1), "path": "a.png"}, {"bytes": None, "path": None}]
    table = pa.table({"index": [3, 4], "image": images, "A": ["x", None]})
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = kit_rows(tmp_path / "a.parquet")
    assert (first.values, first.image, first.file_name) == ({"index": "3", "A": "x"}, picture(1), "a.png")
    assert (second.values, second.image, second.file_name) == ({"index": "4"}, None, "")


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
def test_a_broken_table_is_one_error(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"index\timage\n1\t2\t3\t4\n\xff\xfe")
    with pytest.raises(DataError, match=r"a\.\w+: not readable as \w+.*; fetch it again|not readable"):
        list(kit_rows(tmp_path / name))


def test_images_are_found_by_name_and_missing_ones_are_counted(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "a").mkdir()
    for name in ("images/x.png", "a/y.png", "z.png"):
        (tmp_path / name).write_bytes(picture(1))
    pictures = Pictures(tmp_path)
    names = ["data/x.png", "data/a/y.png", "z.png", "q.png", "../z.png", "/etc/passwd", "z" * 999, "z\0.png"]
    assert [pictures.find(name) is not None for name in names] == [True] * 3 + [False] * 5
    skips = Skips()
    kept = pictures.with_images(names[:4], str, skips, allow_missing=True)
    assert [row for row, _ in kept] == names[:3]
    assert skips.entries == [{"reason": "its image is missing", "count": 1, "names": ["q.png"]}]
    told = (
        r"1 of 4 images are missing \(q\.png\); looked in .* and in its folders images; put them there, or leave rows "
    )
    with pytest.raises(DataError, match=told + "without an image out with --allow-missing"):
        pictures.with_images(names[:4], str, skips, allow_missing=False)
    with pytest.raises(
        DataError, match=r"2 of 2 images are missing \(q\.png, p\.png\); looked in .*; put them there: no row is left$"
    ):
        pictures.with_images(["q.png", "p.png", "q.png"], str, skips, allow_missing=True)
