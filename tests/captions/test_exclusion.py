"""Images of evaluation sets that captions are left out for: by name, by pixels, and as near-duplicates."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pair_sets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ninefold.captions.caption import LeftOut
from ninefold.captions.sources.exclusion import Exclusion
from ninefold.captions.sources.near import NEAR, NearHashes, near_hash
from ninefold.captions.sources.reading import read
from ninefold.captions.spec import CaptionsIn
from ninefold.data.format.card import About
from ninefold.data.format.dataset import write
from ninefold.errors import DataError
from ninefold.types import NO_IMAGE, Example

VSR = {
    "image": "000000017697.jpg",
    "image_link": "http://images.cocodataset.org/train2017/000000017697.jpg",
    "label": 1,
}


def picture(seed: int) -> Image.Image:
    """Return an image with the smooth structure of a photo."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)


def excluded(path: Path, *lists: Path, **options: Any) -> dict[str, str]:
    """Return what each excluded caption is excluded by."""
    found = list(read(CaptionsIn((path,), "text", "id", exclude=lists, **options)))
    assert len(found) == len(path.read_text().splitlines())
    return {item.id: item.detail for item in found if isinstance(item, LeftOut) and item.reason == "excluded"}


def captions(path: Path, **images: Any) -> Path:
    rows = ({"id": id_, "text": f"A cat {id_}.", "image": image} for id_, image in images.items())
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_images_without_a_name_cannot_be_excluded_in_silence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "vsr.jsonl").write_text(json.dumps(VSR))
    path = captions(tmp_path / "a.jsonl", a="000000017697.jpg")
    assert excluded(path, tmp_path / "vsr.jsonl") == {}
    assert "or only ids of captions are compared with the lists" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"a\.jsonl: --exclude knows images by their field; name it with --image-field"):
        list(read(CaptionsIn((path,), "text", exclude=(tmp_path / "vsr.jsonl",))))


def test_photos_of_coco_are_known_however_they_are_named(tmp_path: Path) -> None:
    names: dict[str, Any] = {
        "a": "000000017697.jpg", "b": "COCO_train2014_000000017697.jpg", "c": 17697, "d": "17697",
        "e": "https://images.cocodataset.org/val2017/000000017697.jpg?x=1", "f": "17697.jpg", "g": "117697",
        "h": "000000017698.jpg",
    }  # fmt: skip
    (tmp_path / "vsr.jsonl").write_text(json.dumps(VSR))
    path = captions(tmp_path / "a.jsonl", **names)
    found = excluded(path, tmp_path / "vsr.jsonl", image_field="image", images=tmp_path, allow_missing=True)
    assert found == dict.fromkeys("abcde", f"COCO 17697 in {tmp_path / 'vsr.jsonl'}")
    # A number of Flickr30k in Localized Narratives is no id of COCO.
    sets = {"flickr30k_test": None, "mscoco_train2017": f"COCO 17697 in {tmp_path / 'vsr.jsonl'}"}
    for dataset, expected in sets.items():
        row = {"dataset_id": dataset, "image_id": "17697", "annotator_id": 1, "caption": "In this image."}
        path.write_text(json.dumps(row))
        [item] = read(CaptionsIn((path,), exclude=(tmp_path / "vsr.jsonl",)))
        assert (item.detail if isinstance(item, LeftOut) else None) == expected


def test_lists_in_every_form(tmp_path: Path) -> None:
    path = captions(tmp_path / "a.jsonl", one="photos/A.JPG", two="b", three="c.png", four="#d", five="e f.jpg")
    forms: dict[str, Any] = {
        "ids.txt": "# of a test\nA.jpg\nb # second\n\nphotos/e f\n",
        "names.ids": "a\r\nx/b.jpg\r\ne f.png\r\n",
        "names.csv": 'file_name,label\nA.png,1\nb,2\n"e f",3\n',
        "names.json": json.dumps([["a", "A caption."], ["b", "x"], ["e f", "y"]]),
        "coco.json": json.dumps({"images": [{"id": 1, "file_name": f"{name}.jpg"} for name in ("a", "b", "e f")]}),
        "ids.jsonl": "".join(json.dumps({"id": name, "x": 1}) + "\n" for name in ("one", "two", "five")),
        "lines.json": "".join(json.dumps({"image_path": f"x/{name}"}) + "\n" for name in ("a", "b", "e f")),
    }
    for name, content in forms.items():
        (tmp_path / name).write_text(content)
        found = excluded(path, tmp_path / name, image_field="image", allow_missing=True)
        keys = ("one", "two", "five") if name == "ids.jsonl" else ("a", "b", "e f")
        assert found == {
            id_: f"{key} in {tmp_path / name}" for id_, key in zip(("one", "two", "five"), keys, strict=True)
        }, name  # fmt: skip
    table = pa.table({"image": [{"bytes": b"x", "path": "b.jpg"}], "label": [1]})
    pq.write_table(table, tmp_path / "embedded.parquet")
    assert list(excluded(path, tmp_path / "embedded.parquet", image_field="image", allow_missing=True)) == ["two"]
    # Ids of rows are known too, exactly; numbers of rows are no photos of COCO.
    (tmp_path / "rows.txt").write_text("three\nTWO\n")
    assert excluded(path, tmp_path / "rows.txt") == {"three": f"three in {tmp_path / 'rows.txt'}"}
    (tmp_path / "vsr.jsonl").write_text(json.dumps(VSR))
    assert not Exclusion.of([tmp_path / "vsr.jsonl"]).named("", "17697")
    assert Exclusion.of([tmp_path / "vsr.jsonl"]).named("", "COCO_val2014_000000017697")


def test_tables_and_data_sets_of_benchmarks_name_their_photos(tmp_path: Path) -> None:
    path = captions(tmp_path / "a.jsonl", one="000000000003.jpg", two="000000017697.jpg", three="000000000139.jpg")
    # The image of the second row is that of row 3, not a photo with this number.
    table = f"index\timage\timage_url\n3\t{'QUJD' * 99}\tx/000000017697.jpg\n4\t3\tx/000000000139.jpg\n"
    (tmp_path / "3DSRBench.tsv").write_text(table)
    asked = Example("a", NO_IMAGE, "q", "q True, False", ("True", "False"), "True", "true_false",
                    factors={"file_name": "000000017697.jpg"})  # fmt: skip
    write(tmp_path / "vsr", {"test": [asked]}, about=About("VSR", "x", {}, answer_format="true_false"))
    found = {
        name: list(excluded(path, tmp_path / name, image_field="image", allow_missing=True))
        for name in ("3DSRBench.tsv", "vsr")
    }
    assert found == {"3DSRBench.tsv": ["two", "three"], "vsr": ["two"]}


def test_lists_that_name_no_image(tmp_path: Path) -> None:
    path = captions(tmp_path / "a.jsonl", one="a.jpg")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    (tmp_path / "other.csv").write_text("x,y\n1,2\n")
    (tmp_path / "broken.jsonl").write_text("{\n[]\n")
    (tmp_path / "folder").mkdir()
    pair_sets.save(tmp_path / "pairs")
    says = {"empty.txt": "names no image", "other.csv": "found x, y", "folder": "holds no images"}
    says |= {"broken.jsonl": "none of 2 rows can be read", "pairs": "a data set without images"}
    for name, what in says.items():
        with pytest.raises(DataError, match=what):
            excluded(path, tmp_path / name)
    with pytest.raises(DataError, match="no such file"):
        excluded(path, tmp_path / "none.txt")


def test_near_duplicates_and_equal_pixels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test, photos, made = tmp_path / "test", tmp_path / "photos", tmp_path / "made"
    test.mkdir(), photos.mkdir()
    for seed in range(3):
        picture(seed).save(test / f"test-{seed}.png")
    (test / "broken.png").write_bytes(b"\x89PNG")
    picture(0).save(photos / "worse.jpg", quality=60)
    picture(1).resize((160, 120)).save(photos / "half.png")
    picture(2).crop((0, 12, 304, 240)).save(photos / "cut.png")
    picture(3).save(photos / "other.png")
    Image.new("RGB", (320, 240), "white").save(photos / "blank.png")
    names = ("worse", "half", "cut", "other", "blank")
    path = captions(tmp_path / "a.jsonl", **{name: name for name in names})
    found = excluded(path, test, image_field="image", images=photos)
    assert {id_: detail.partition(" (")[0] for id_, detail in found.items()} == {
        name: f"near-duplicate of {test / f'test-{seed}.png'}" for seed, name in enumerate(names[:3])
    }
    assert "broken.png: not readable as a picture" in capsys.readouterr().err
    assert excluded(path, test) == {}
    assert "compared by their names alone" in capsys.readouterr().err
    named = enumerate(("other", "half", "half"))
    rows = [Example(f"{n}", photos / f"{name}.png", "?", "?", (), "x", "short_text", name) for n, name in named]
    write(made, {"test": rows}, about=About("Photos", "Photos.", {}, answer_format="short_text"))
    picture(1).save(photos / "again.bmp")
    picture(3).save(photos / "same.bmp")
    path = captions(tmp_path / "b.jsonl", again="again", same="same", worse="worse", other="other")
    assert excluded(path, made, image_field="image", images=photos) == {
        "again": f"near-duplicate of 1 in {made} (test) (0 of 64 bits differ)",
        "same": f"the pixels of an image in {made} (test)",
        "other": f"other in {made} (test)",
    }


def test_near_hashes() -> None:
    whole = np.asarray(picture(5))
    wanted = near_hash(whole)
    assert wanted is not None and near_hash(np.full((9, 9, 3), 7, np.uint8)) is None
    flipped = wanted ^ 0b1011
    assert NearHashes([~wanted & (1 << 64) - 1, flipped]).nearest(wanted) == (1, 3)
    assert NearHashes([wanted ^ (1 << NEAR + 1) - 1]).nearest(wanted) is None
    assert NearHashes([]).nearest(wanted) is None
