"""Captions as answers: one example for each caption of an image, in the splits of the pairs made from them."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import some_examples

import ninefold as nf
from ninefold.captions.layout import CAPTIONS, SCHEMAS, SOURCE
from ninefold.captions.taxonomy import RELATION_NAMES
from ninefold.cli import main
from ninefold.data.format.dataset import About, Dataset, write
from ninefold.data.make import make
from ninefold.data.sources.descriptions import DescriptionsSource, DescriptionsSpec
from ninefold.errors import DataError, DesignError
from ninefold.types import NO_IMAGE, Example

TEXTS = {
    "a": "A cup stands left of a plate.\n\nThe plate is white.",
    "b": "A lamp <image> is right of a chair.",
    "c": "A lamp and nothing else.",
    "d": "The lamp is in a corner.",
    "e": "No image of this is at hand.",
}


def pairs(folder: Path, texts: dict[str, str]) -> Path:
    """Pairs of five captions: two of one image, one of an object of it, and one without an image."""
    images = [example.image for example in some_examples(2)]
    shown = {"a": images[0], "b": images[1], "c": images[1], "d": images[1], "e": NO_IMAGE}

    def pair(name: str, number: int) -> Example:
        text = f"Where is thing {number}?"
        facts = {"subject": "", "object": "", "source_span": "", "span_start": 0, "span_end": 0, "fact": 0, "form": ""}
        factors = {"caption_id": name, "relation": "left", "frame": "viewer", **facts, "of_described": False}
        group = {"c": "b", "d": "b"}.get(name, name)
        return Example(
            f"{name}/{number}", shown[name], text, text, (), "left", "short_text", group, {**factors, "corpus": "docci"}
        )

    def complete(work: Path) -> None:
        columns = {"image": "", "path": "", "corpus": "docci", "label": ""}
        rows = [
            {"id": name, "text": text, **columns, "described": 0 if name == "d" else None}
            for name, text in texts.items()
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMAS[CAPTIONS]), work / CAPTIONS)

    splits = {
        "train": [pair(name, number) for name in "bcde" for number in range(2)],
        "validation": [pair("a", 0)],
    }
    about = About("Pairs", "Pairs.", {"relations": RELATION_NAMES}, source=SOURCE, answer_format="short_text")
    write(folder, splits, about=about, complete=complete)
    return folder


def test_every_caption_of_an_image_is_an_answer_in_the_split_of_its_pairs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = pairs(tmp_path / "pairs", TEXTS)
    main(["data", "descriptions", "--pairs", str(folder), "--out", str(tmp_path / "texts")])
    assert "left out, no image: 1 (e)" in capsys.readouterr().out
    data, given = Dataset.open(tmp_path / "texts"), Dataset.open(folder)
    assert {skip["reason"]: skip["names"] for skip in _skipped(folder)} == {
        "a description of one object, not of the image": ["d"],
        "no image": ["e"],
    }
    rows = {split: list(data.read(split)) for split in data.splits}
    assert {split: [row.id for row in part] for split, part in rows.items()} == {
        "train": ["b", "c"],
        "validation": ["a"],
    }
    assert [row.answer for part in rows.values() for row in part] == [TEXTS[name] for name in "bca"]
    assert {row.prompt for part in rows.values() for row in part} == {"Describe the image in detail."}
    assert [row.group for row in rows["train"]] == ["b", "b"]
    assert rows["train"][0].image == next(given.read("train")).image
    assert nf.verify(tmp_path / "texts")["verdict"].startswith("OK: 3 rows")
    assert nf.verify(tmp_path / "texts", reproduce=True, pairs=folder)["verdict"].startswith("OK: 3 rows")
    with pytest.raises(DesignError, match="--pairs: name it, because descriptions data sets are made from it"):
        nf.verify(tmp_path / "texts", reproduce=True)
    assert data.manifest.spec == {"pairs": "pairs", "prompt": "Describe the image in detail."}


def _skipped(folder: Path) -> list[dict[str, object]]:
    source = DescriptionsSource(DescriptionsSpec(folder))
    for split in source.splits().values():
        list(split.examples)
    return source.skips.entries


def test_what_holds_no_captions_says_so(tmp_path: Path) -> None:
    folder = pairs(tmp_path / "pairs", {name: text for name, text in TEXTS.items() if name != "c"})
    with pytest.raises(DataError, match=r"captions\.parquet: has no caption c, which c/0 is from"):
        make(DescriptionsSource(DescriptionsSpec(folder)), tmp_path / "texts")
    (folder / CAPTIONS).unlink()
    with pytest.raises(DataError, match=r"captions\.parquet"):
        make(DescriptionsSource(DescriptionsSpec(folder)), tmp_path / "texts")
    write(tmp_path / "other", {"train": some_examples(2)}, about=About("Other", "Other.", {}))
    with pytest.raises(DataError, match="holds no pairs from captions, but custom"):
        make(DescriptionsSource(DescriptionsSpec(tmp_path / "other")), tmp_path / "texts")
    with pytest.raises(DataError, match="--prompt: is empty"):
        DescriptionsSpec(folder, prompt=" ")
