"""Leakage of training sets into tests: counted by images, rows and texts, also where no image is at hand."""

import csv
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ninefold.cli import main
from ninefold.data.checks.leakage import leakage
from ninefold.data.checks.overlap import overlap
from ninefold.data.format.card import About
from ninefold.data.format.dataset import write
from ninefold.data.make import make
from ninefold.data.sources.benchmarks.vsr import VsrSource, VsrSpec
from ninefold.errors import DesignError
from ninefold.types import NO_IMAGE, Example


def picture(seed: int, size: tuple[int, int] = (64, 48)) -> bytes:
    """Return an encoded picture of large blotches, which survive resizing as photos do."""
    noise = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.NEAREST).save(buffer, "PNG")
    return buffer.getvalue()


def row(name: str, text: str, coco: int, image: bytes = NO_IMAGE, form: str = "True or False?") -> Example:
    options = ("True", "False") if form.startswith("True") else ("Yes", "No")
    return Example(
        name, image, text, f"{text} {form}", options, options[0], "true_false",
        group=str(coco), factors={"file_name": f"{coco:012d}.jpg"},
    )  # fmt: skip


def written(folder: Path, **splits: list[Example]) -> Path:
    write(folder, splits, about=About("a set", "Made by hand.", spec={}, answer_format="true_false"))
    return folder


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    trained = written(
        tmp_path / "trained",
        train=[row("a", "The cat is on the mat.", 1), row("b", "The dog is near the cat.", 2)],
        validation=[row("c", "The cup is under the mat.", 3)],
        test=[row("d", "The hen is above the egg.", 4)],
    )
    tested = written(tmp_path / "tested", test=[
        row("u", "the cat is  on the mat.", 1, form="Yes or No?"),
        row("v", "The cup is on the mat.", 1),
        row("w", "The cup is under the mat.", 5),
        row("x", "The cup is under the mat.", 3),
        row("y", "The hen is above the egg.", 4),
    ])  # fmt: skip
    return trained, tested


def test_images_rows_and_texts_are_counted_without_any_image(sets: tuple[Path, Path]) -> None:
    (leak,) = leakage(sets[:1], sets[1:])
    # Image 1 and 3; rows u, v and x on them, u and x word for word; the test's own split is not trained on.
    assert (leak.overlap.images.count, leak.test_images, leak.rows_of_shared_images) == (2, 4, 3)
    assert (leak.shared_rows, leak.shared_texts, leak.test_rows) == (2, 3, 5)
    (leak,) = leakage(sets[:1], sets[1:], split="train")
    assert (leak.overlap.images.count, leak.shared_rows, leak.shared_texts) == (1, 1, 1)
    (leak,) = leakage(sets[:1], sets[1:], whole=True)
    assert (leak.overlap.images.count, leak.shared_rows) == (3, 3)
    with pytest.raises(DesignError, match="name the training sets, and with --tests the tests"):
        leakage([], sets[1:])


def test_overlap_counts_rows_in_whatever_form_of_prompt(sets: tuple[Path, Path]) -> None:
    found = overlap(*sets, split="train")
    assert (found.rows.count, found.rows.names, found.prompts.count) == (1, ("train a = test u",), 0)
    assert "rows (the same image and question): 1 shared, first train a = test u" in found.sentences()


def test_names_are_believed_only_where_no_pictures_differ(tmp_path: Path) -> None:
    trained = written(tmp_path / "trained", train=[row("a", "The cat sits.", 1, picture(1))])
    other = written(tmp_path / "other", test=[row("x", "The cat sits.", 1, picture(2))])
    smaller = written(tmp_path / "smaller", test=[row("x", "The cat sits.", 1, picture(1, (32, 24)))])
    bare = written(tmp_path / "bare", test=[row("x", "The cat sits.", 1)])
    found = leakage([trained], [other, smaller, bare])
    assert [(leak.overlap.images.count, leak.shared_rows, leak.shared_texts) for leak in found] == [
        (0, 0, 1),
        (1, 1, 1),
        (1, 1, 1),
    ]


def test_the_table_is_printed_and_written(
    sets: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("table.csv", "table.json"):
        main(["data", "leakage", str(sets[0]), "--tests", str(sets[1]), "--out", str(tmp_path / name)])
    head, line = capsys.readouterr().out.splitlines()[:2]
    assert [cell.strip() for cell in re.split(" {2,}", head)[2:]] == [
        "images", "rows of these", "rows word for word", "rows by text", "scenes",
    ]  # fmt: skip
    assert re.split(" {2,}", line)[2:] == ["2 of 4", "3 of 5", "2", "3", "0"]
    (found,) = json.loads((tmp_path / "table.json").read_text())
    (listed,) = csv.DictReader((tmp_path / "table.csv").open())
    assert {name: str(value) for name, value in found.items()} == listed
    assert found["shared_rows"] == 2
    with pytest.raises(SystemExit):
        main(["data", "leakage", str(sets[0]), "--tests", str(sets[1]), "--out", str(tmp_path / "table.txt")])
    assert capsys.readouterr().err.endswith("table.txt: name a .json or a .csv file\n")


VSR = Path(os.environ.get("NINEFOLD_DATA", Path(__file__).parents[3] / "shared" / "data")) / "vsr"


@pytest.mark.skipif(not VSR.exists(), reason="the official files of VSR are not in ../shared/data (see NINEFOLD_DATA)")
def test_the_official_splits_of_vsr_leak_as_it_is_known(tmp_path: Path) -> None:
    made: dict[tuple[str, str], Path] = {}
    for split, part in (("random", "train"), ("random", "test"), ("zeroshot", "test")):
        folder = made[split, part] = tmp_path / f"{split}-{part}"
        # The forms of the prompt differ on purpose: the statements are the same.
        form = "yes-no" if part == "train" else "true-false"
        make(VsrSource(VsrSpec(VSR, split, part, form, text_only=True)), folder)  # type: ignore[arg-type]
    zeroshot, random = leakage(
        [made["random", "train"]], [made["zeroshot", "test"], made["random", "test"]], split="train"
    )
    assert (zeroshot.shared_rows, zeroshot.test_rows) == (830, 1222)
    assert (zeroshot.overlap.images.count, zeroshot.test_images, zeroshot.rows_of_shared_images) == (569, 715, 1056)
    assert (random.overlap.images.count, random.test_images) == (978, 1874)
    assert (random.rows_of_shared_images, random.shared_rows, random.test_rows) == (1226, 0, 2195)
