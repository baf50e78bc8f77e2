"""Overlap of two data sets: what they share, and what of it is a leak."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ninefold.cli import main
from ninefold.data.checks.overlap import overlap
from ninefold.data.format.card import About
from ninefold.data.format.dataset import write
from ninefold.data.sources.scene_facts import scene_json
from ninefold.errors import DataError, FactError
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS, Cell
from ninefold.types import Example, Scene, Thing

ADVICE = "training data must not be in the test; use another set"


def picture(seed: int, *, kind: str = "PNG", size: tuple[int, int] = (64, 48), **options: int) -> bytes:
    """Return an encoded picture of large blotches, which survive resizing as photos do."""
    noise = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize(size, Image.Resampling.NEAREST).save(buffer, kind, **options)
    return buffer.getvalue()


def example(name: str, image: bytes | Path, thing: str, **factors: str) -> Example:
    asked = f"Where is the {thing}?"
    text = prompt(asked, LABELS)
    return Example(name, image, asked, text, LABELS, "center", "labels", group=name, factors=factors)


def written(folder: Path, *, embed: bool = True, **splits: list[Example]) -> Path:
    write(folder, splits, about=About("a set", "Made by hand.", spec={}, labels=LABELS), embed=embed)
    return folder


def photo(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_the_same_pixels_are_found_in_any_file_and_split(tmp_path: Path) -> None:
    one = written(
        tmp_path / "one",
        train=[example("a", picture(1), "cat"), example("b", picture(2), "dog")],
        validation=[example("c", picture(3), "cow")],
    )
    other = written(
        tmp_path / "other", test=[example("x", picture(3, kind="BMP"), "ox"), example("y", picture(4), "hen")]
    )
    found = overlap(one, other)
    assert (found.pixels.count, found.pixels.names) == (1, ("validation c = test x",))
    assert (found.images.count, found.scenes.count, found.prompts.count, found.has_leak) == (1, 0, 0, True)
    assert not overlap(one, other, split="train").has_leak
    with pytest.raises(DataError, match="no split 'val'; name one with --other-split: test"):
        overlap(one, other, other_split="val")


@pytest.mark.parametrize(
    ("content", "name", "shared"),
    [
        (picture(1, kind="JPEG", quality=30), "COCO_val2014_000000000139.jpg", 1),
        (picture(1, size=(32, 24)), "000000000139.png", 1),
        (picture(9), "000000000139.jpg", 0),
        (picture(1, kind="JPEG"), "139.jpg", 0),
    ],
    ids=["other encoding", "other size", "another numbering", "no name of COCO"],
)
def test_a_photo_of_coco_is_known_by_its_name_unless_pictures_differ(
    tmp_path: Path, content: bytes, name: str, shared: int
) -> None:
    one = written(tmp_path / "one", train=[example("a", photo(tmp_path / "1", "000000000139.jpg", picture(1)), "cat")])
    other = written(tmp_path / "other", test=[example("x", photo(tmp_path / "2", name, content), "ox")])
    found = overlap(one, other)
    assert (found.images.count, found.pixels.count, found.has_leak) == (shared, 0, bool(shared))


def test_one_file_is_one_image(tmp_path: Path) -> None:
    path = photo(tmp_path / "photos", "a.png", picture(1))
    one = written(tmp_path / "one", embed=False, train=[example("a", path, "cat")])
    other = written(tmp_path / "other", embed=False, test=[example("x", path, "ox")])
    assert overlap(one, other).images.names == ("train a = test x",)


def test_a_scene_is_known_in_another_size_and_whatever_is_asked_for(tmp_path: Path) -> None:
    things = (Thing("circle", "red", "large", Cell(0, 0)), Thing("star", "blue", "small", Cell(4, 4)))
    small, large = Scene(things, canvas=90), Scene(things[::-1], canvas=180)
    other_scene = replace(small, things=things[:1])
    one = written(tmp_path / "one", train=[
        example("a", small, "red circle", scene=scene_json(small)),
        example("b", other_scene, "red circle", scene=scene_json(other_scene)),
    ])  # fmt: skip
    other = written(tmp_path / "other", test=[example("x", large, "blue star", scene=scene_json(large))])
    found = overlap(one, other)
    assert (found.scenes.count, found.scenes.names, found.pixels.count) == (1, ("train a = test x",), 0)
    with pytest.raises(
        FactError,
        match=rf"one and other: share 1 scenes \(train a = test x\); {ADVICE}",
    ):
        found.check("one and other")
    broken = written(tmp_path / "broken", test=[example("x", picture(1), "cat", scene=json.dumps([1]))])
    with pytest.raises(DataError, match="broken: test: row x: its scene is not readable"):
        overlap(one, broken)


def test_prompts_are_counted_and_no_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = written(tmp_path / "one", train=[example("a", picture(1), "cat"), example("b", picture(2), "cat")])
    other = written(tmp_path / "other", test=[example("x", picture(3), "cat")])
    main(["data", "overlap", str(one), str(other)])
    assert "prompts (no leak): 1 shared, first train a = test x" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["data", "overlap", str(one), str(one)])
    said = capsys.readouterr()
    assert stopped.value.code == 1
    assert said.out.splitlines()[:3] == [
        "both are the same folder twice",
        "images: 2 shared, first train a = train a; train b = train b",
        "of these, the same pixels: 2 shared, first train a = train a; train b = train b",
    ]
    assert said.err.endswith(f"{one} and {one}: are the same folder twice; {ADVICE}\n")
    copied = written(tmp_path / "copied", test=[example("a", picture(1), "cat"), example("b", picture(2), "cat")])
    assert overlap(one, copied).same == "hold the same rows (one fingerprint): train = test"
    assert not overlap(one, other).same
