import io
import json
import os
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from ninefold.data.checks import certificate
from ninefold.data.format.dataset import Dataset
from ninefold.data.make import make
from ninefold.data.sources.coco.allotment import held_out
from ninefold.data.sources.coco.reading import read_lists
from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.errors import DataError, DesignError
from ninefold.space import LABELS
from ninefold.types import Example

WIDTH, HEIGHT = 90, 45
COCO = Path(os.environ.get("NINEFOLD_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "coco"
real = pytest.mark.skipif(not COCO.is_dir(), reason=f"no COCO photos at {COCO}; NINEFOLD_DATA names another folder")


def jpeg(mode: str = "RGB", size: tuple[int, int] = (WIDTH, HEIGHT), seed: int = 0, **options: Any) -> bytes:
    channels = {"L": (), "RGB": (3,), "CMYK": (4,)}[mode]
    noise = np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (size[1], size[0], *channels), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise, mode if mode == "CMYK" else None).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def turned(orientation: int, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg(size=size, exif=exif)


def png16() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.full((HEIGHT, WIDTH), 40_000, np.uint16)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def world(tmp_path: Path) -> CocoSpec:
    """Ten photos, each with one cat in the center and one dog at the bottom right."""
    (tmp_path / "photos").mkdir()
    for number in range(10):
        (tmp_path / "photos" / f"{number}.jpg").write_bytes(jpeg(seed=number))
    size = {"width": WIDTH, "height": HEIGHT}
    boxes = {1: [40, 20, 10, 5], 2: [70, 35, 10, 5]}
    content = {
        "images": [{"id": number, "file_name": f"{number}.jpg", **size} for number in range(10)],
        "annotations": [
            {"id": 10 * number + key, "image_id": number, "category_id": key, "bbox": box, "segmentation": [[1.5, 2.5]]}
            for number in range(10)
            for key, box in boxes.items()
        ],
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "teddy bear"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return CocoSpec(tmp_path / "instances.json", tmp_path / "photos")


def changed(spec: CocoSpec, **changes: Any) -> CocoSpec:
    return CocoSpec(**{"annotations": spec.annotations, "images": spec.images} | changes)


def taken(spec: CocoSpec) -> tuple[list[Example], list[dict[str, Any]]]:
    source = CocoSource(spec)
    return list(source.splits()["test"].examples), source.skips.entries


def written(spec: CocoSpec, out: Path) -> dict[str, Any]:
    source = CocoSource(spec)
    return {
        "questions": make(source, out).splits,
        "skipped": source.skips.entries,
        "balance": source.balances.get(spec.split),
    }


def test_an_example_holds_the_question_the_truth_and_the_facts(world: CocoSpec) -> None:
    rows, skipped = taken(world)
    assert (len(rows), skipped) == (20, [])
    row = rows[3]
    assert (row.id, row.group, row.image) == ("1-teddy-bear", "1", world.images / "1.jpg")
    assert (row.question, row.answer) == ("Where is the teddy bear?", "bottom right")
    assert row.prompt == (
        f"Answer with as few words as possible. Where is the teddy bear? Choose from [{', '.join(row.options)}]."
    )
    assert sorted(row.options) == sorted(LABELS)
    factors = dict(row.factors)
    assert factors.pop("border_distance") == pytest.approx(75 / 90 - 2 / 3)
    assert factors.pop("slot") == row.options.index("bottom right")
    assert factors.pop("order") == 1
    assert factors == {
        "image_id": 1, "file_name": "1.jpg", "category": "teddy bear",
        "box_x": 70, "box_y": 35, "box_w": 10, "box_h": 5, "image_width": 90, "image_height": 45,
        "region": "bottom right", "cell_row": 7, "cell_col": 7,
    }  # fmt: skip


def test_orders_are_dealt_in_turn_within_region_and_category(world: CocoSpec) -> None:
    rows, _ = taken(world)
    for category in ("cat", "teddy bear"):
        dealt = [row for row in rows if row.factors["category"] == category]
        assert [row.factors["order"] for row in dealt] == list(range(10))
        assert sorted(row.factors["slot"] for row in dealt[:9]) == list(range(9))


def test_the_seed_changes_the_orders_and_nothing_else(world: CocoSpec) -> None:
    one, two, again = (taken(changed(world, seed=seed))[0] for seed in (0, 1, 0))
    assert [row.options for row in one] == [row.options for row in again]
    assert [row.options for row in one] != [row.options for row in two]
    assert [row.answer for row in one] == [row.answer for row in two]


def test_written_opened_and_verified(world: CocoSpec, tmp_path: Path) -> None:
    summary = written(world, tmp_path / "out")
    assert summary == {"questions": {"test": 20}, "skipped": [], "balance": None}
    certificate.verify(tmp_path / "out")
    [row, *_] = rows = list(Dataset.open(tmp_path / "out").read("test"))
    assert len(rows) == 20
    assert row.image == (world.images / "0.jpg").read_bytes()
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="test")
    assert loaded[19]["image"].size == (WIDTH, HEIGHT)
    assert loaded[19]["category"] == "teddy bear"


def test_no_embed_keeps_paths_and_the_same_rows(world: CocoSpec, tmp_path: Path) -> None:
    written(world, tmp_path / "in")
    written(changed(world, embed=False), tmp_path / "out")
    certificate.verify(tmp_path / "out")
    assert next(Dataset.open(tmp_path / "out").read("test")).image == (world.images / "0.jpg").resolve()
    assert Dataset.open(tmp_path / "in").manifest == Dataset.open(tmp_path / "out").manifest


def test_training_and_validation_share_no_photo(world: CocoSpec) -> None:
    parts = {split: list(part.examples) for split, part in CocoSource(changed(world, split="train")).splits().items()}
    groups = {split: {row.group for row in part} for split, part in parts.items()}
    assert (len(groups["train"]), len(groups["validation"])) == (8, 2)
    assert not groups["train"] & groups["validation"]


@pytest.mark.parametrize(("holdout", "message"), [("image", "1 photos to ask about"), ("question", "2 questions")])
def test_too_few_to_split(world: CocoSpec, holdout: Any, message: str) -> None:
    content = json.loads(world.annotations.read_text())
    world.annotations.write_text(json.dumps(content | {"images": content["images"][:1]}))
    with pytest.raises(DataError, match=message):
        CocoSource(changed(world, split="train", holdout=holdout)).splits()


def test_validation_may_hold_out_questions_and_the_card_says_that_photos_are_shared(
    world: CocoSpec, tmp_path: Path
) -> None:
    spec = changed(world, split="train", holdout="question")
    make(CocoSource(spec), tmp_path / "out")
    found = certificate.verify(
        tmp_path / "out", reproduce=True, files={"annotations": world.annotations, "images": world.images}
    )
    assert {split: part["rows"] for split, part in found["splits"].items()} == {"train": 16, "validation": 4}
    [between] = found["between"]
    assert between["shared"]["images"] == between["shared"]["image ids"] > 0 == between["shared"]["ids"]
    assert "photos of the train split are in the validation split too" in (tmp_path / "out" / "README.md").read_text()


def test_questions_are_held_out_in_the_numbers_of_the_paper(world: CocoSpec) -> None:
    [target, *_] = CocoSource(world).targets()
    parts = held_out([target] * 201_358, 0, "question")
    assert (len(parts["train"]), len(parts["validation"])) == (161_086, 40_272)


def test_a_subset_to_train_on_has_its_size_and_a_validation_of_other_photos(world: CocoSpec, tmp_path: Path) -> None:
    source = CocoSource(changed(world, split="train", subset=12))
    data = make(source, tmp_path / "out")
    assert data.splits == {"train": 12, "validation": 3}
    rows = {split: list(data.read(split)) for split in data.splits}
    assert not {row.group for row in rows["train"]} & {row.group for row in rows["validation"]}
    assert source.balances["train"]["region"]["reached"] == source.balances["train"]["category"]["reached"] == [6, 6]
    assert source.balances["validation"]["region"]["reached"] == [1, 2]
    assert "The 12 questions to train on, and a quarter as many" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(
    ("subset", "message"),
    [(17, "there are 16 questions to train on; use --subset 16 or less"), (0, ".*; use --subset 1 to 16")],
)
def test_a_subset_to_train_on_is_taken_from_what_is_not_held_out(world: CocoSpec, subset: int, message: str) -> None:
    with pytest.raises(DataError, match=f"--subset {subset}: {message}"):
        CocoSource(changed(world, split="train", subset=subset)).splits()


@pytest.mark.parametrize(("broken", "message"), [
    (1, r"--subset 12: validation needs .*, and there are 2 .left out: photo: truncated.*; use --subset 11 or less$"),
    (2, "photos: no photo that is left for validation can be used .left out: photo: truncated"),
])  # fmt: skip
def test_a_validation_with_too_few_usable_photos_is_told(world: CocoSpec, broken: int, message: str) -> None:
    held = held_out(CocoSource(world).targets(), 0)["validation"]
    for name in sorted({target.photo.file_name for target in held})[:broken]:
        (world.images / name).write_bytes(name.encode())
    with pytest.raises(DataError, match=message):
        CocoSource(changed(world, split="train", subset=12)).splits()


def test_a_subset_is_balanced_and_says_so(world: CocoSpec, tmp_path: Path) -> None:
    summary = written(changed(world, subset=6), tmp_path / "out")
    assert summary["questions"] == {"test": 6}
    assert summary["balance"]["region"] == {"reached": [3, 3], "possible": [3, 3]}
    assert "| category | 3 | 3 |" in (tmp_path / "out" / "README.md").read_text()


def test_a_subset_replaces_photos_that_cannot_be_used(world: CocoSpec) -> None:
    for number in (1, 4, 7):
        (world.images / f"{number}.jpg").write_bytes(b"broken %d" % number)
    rows, [skipped] = taken(changed(world, subset=14))
    assert len(rows) == 14
    assert not {row.group for row in rows} & {"1", "4", "7"}
    assert (skipped["count"], sorted(skipped["names"])) == (3, ["1.jpg", "4.jpg", "7.jpg"])


@pytest.mark.parametrize("subset", [0, -1, 21])
def test_a_subset_that_cannot_be(world: CocoSpec, subset: int) -> None:
    with pytest.raises(DataError, match=r"use --subset (1 to 20|20 or less)"):
        CocoSource(changed(world, subset=subset)).splits()


UNREADABLE = "photo: truncated, or not readable as an image"
ANOTHER_SIZE = "photo: another size than its annotation states (with EXIF rotation applied)"
EITHER_WAY = "photo: EXIF rotation leaves open which way up its boxes were drawn"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "photo: missing"),
        (jpeg()[:1500], UNREADABLE),
        (b"", UNREADABLE),
        (b"<html>404</html>", UNREADABLE),
        (jpeg(size=(45, 90)), ANOTHER_SIZE),
        (turned(6), ANOTHER_SIZE),
        (turned(3), EITHER_WAY),
    ],
    ids=["missing", "truncated", "empty", "html", "other size", "boxes drawn before rotation", "upside down"],
)
def test_a_photo_that_cannot_be_used_is_skipped_by_name(
    world: CocoSpec, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    path = world.images / "4.jpg"
    path.unlink() if content is None else path.write_bytes(content)
    skipped = [{"reason": reason, "count": 1, "names": ["4.jpg"]}]
    assert written(world, tmp_path / "out") == {"questions": {"test": 18}, "skipped": skipped, "balance": None}
    assert reason in (tmp_path / "out" / "README.md").read_text()
    assert all(row.group != "4" for row in Dataset.open(tmp_path / "out").read("test"))


@pytest.mark.parametrize(
    "content",
    [jpeg("L"), jpeg("CMYK"), png16(), turned(6, size=(HEIGHT, WIDTH))],
    ids=["gray", "cmyk", "16 bit", "boxes drawn after rotation"],
)
def test_a_photo_of_another_kind_is_used(world: CocoSpec, tmp_path: Path, content: bytes) -> None:
    (world.images / "4.jpg").write_bytes(content)
    assert written(world, tmp_path / "out")["questions"] == {"test": 20}
    certificate.verify(tmp_path / "out")
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"), split="test")
    assert (loaded[8]["image"].mode, loaded[8]["image"].size) == ("RGB", (WIDTH, HEIGHT))


def test_what_is_skipped_is_named_in_the_card_without_markup(world: CocoSpec, tmp_path: Path) -> None:
    content = json.loads(world.annotations.read_text())
    content["images"][0]["file_name"] = "<script>a|b</script>.jpg"
    content["images"][1]["file_name"] = "long" * 100
    world.annotations.write_text(json.dumps(content))
    written(world, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| photo: missing | 2 | &lt;script&gt;a&#124;b&lt;/script&gt;.jpg, longlong" in card


def test_a_wrong_folder_of_photos_is_an_error_that_leaves_nothing(world: CocoSpec, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        DataError,
        match=r"no photo can be used \(left out: photo: missing: 10, first 0\.jpg\); .*empty/0\.jpg is not there",
    ):
        written(changed(world, images=tmp_path / "empty"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="no such folder"):
        CocoSource(changed(world, images=tmp_path / "gone")).splits()


def test_nothing_to_ask_and_a_seed_below_zero(world: CocoSpec) -> None:
    with pytest.raises(DataError, match="seeds are zero or more"):
        CocoSource(changed(world, seed=-1)).splits()
    content = json.loads(world.annotations.read_text())
    world.annotations.write_text(json.dumps(content | {"annotations": []}))
    with pytest.raises(DataError, match="nothing to ask"):
        CocoSource(world).splits()


@real
def test_the_paper_rule_on_real_photos(tmp_path: Path) -> None:
    spec = CocoSpec(COCO / "instances_val2017_open.json", COCO / "val2017")
    assert written(spec, tmp_path / "out") == {"questions": {"test": 469}, "skipped": [], "balance": None}
    certificate.verify(tmp_path / "out")
    rows = list(Dataset.open(tmp_path / "out").read("test"))
    assert len({row.group for row in rows}) == 206
    cut, _ = taken(changed(spec, truncate=True))
    assert sum(one.answer != two.answer for one, two in zip(rows, cut, strict=True)) == 2


@real
def test_a_balanced_subset_of_real_photos() -> None:
    rows, _ = taken(CocoSpec(COCO / "instances_val2017_open.json", COCO / "val2017", subset=90))
    assert [sum(row.answer == label for row in rows) for label in LABELS] == [10] * 9
    assert len({row.factors["category"] for row in rows}) == 72


@pytest.mark.parametrize(("question", "labels"), [("horizontal_position", 3), ("vertical_position", 3)])
def test_a_subset_is_balanced_over_the_answers_of_its_question(
    tmp_path: Path, world: CocoSpec, question: str, labels: int
) -> None:
    # Twelve photos with a cat: one in each third of the photo along both axes, and nine more at the top left.
    spots = [(10, 5), (45, 22), (80, 40), *[(10, 5)] * 9]
    content = json.loads(world.annotations.read_text())
    content["images"] = [
        {"id": n, "file_name": f"{n}.jpg", "width": WIDTH, "height": HEIGHT} for n in range(len(spots))
    ]
    content["annotations"] = [
        {"image_id": n, "category_id": 1, "bbox": [x - 2, y - 2, 4, 4]} for n, (x, y) in enumerate(spots)
    ]
    for n in range(10, len(spots)):
        (world.images / f"{n}.jpg").write_bytes(jpeg(seed=n))
    world.annotations.write_text(json.dumps(content))
    out = tmp_path / "out"
    assert written(changed(world, question=question, subset=labels), out)["balance"] == {
        "answer": {"reached": [1, 1], "possible": [1, 1]},
        "category": {"reached": [3, 3], "possible": [3, 3]},
        "category x answer": {"reached": [1, 1]},
    }
    assert len({row.answer for row in Dataset.open(out).read("test")}) == labels
    assert "even in answer and category" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("question", "answers"), [("horizontal_position", {"center", "right"}), ("vertical_position", {"center", "bottom"})]
)
def test_positions_along_an_axis(world: CocoSpec, tmp_path: Path, question: str, answers: set[str]) -> None:
    written(changed(world, question=question, split="train"), tmp_path / "out")
    found = certificate.verify(tmp_path / "out")
    assert found["question"] == question
    sentence = f"question and answer are those of {question} for the box"
    assert all(sentence in [fact["fact"] for fact in part["facts"]] for part in found["splits"].values())
    data = Dataset.open(tmp_path / "out")
    rows = [*data.read("train"), *data.read("validation")]
    assert {row.answer for row in rows} == answers and {len(row.options) for row in rows} == {3}
    assert max(row.factors["order"] for row in rows) == 5
    # Orders are dealt in turn to each answer, so that its slots are even.
    slots = [
        sum(row.answer == "center" and row.factors["slot"] == slot for row in data.read("train")) for slot in range(3)
    ]
    assert max(slots) - min(slots) <= 1

    path = next((tmp_path / "out" / "data").glob("train-*.parquet"))
    table = pq.read_table(path).to_pylist()
    table[0]["box_x"] += 30
    pq.write_table(pa.Table.from_pylist(table, schema=pq.read_schema(path)), path)
    with pytest.raises(DataError, match=f"row {table[0]['id']}: broken: "):
        certificate.verify(tmp_path / "out")


@pytest.mark.parametrize("question", ["color", "shape"])
def test_what_needs_a_scene_cannot_be_asked_of_a_box(world: CocoSpec, question: str) -> None:
    able = "absolute_position, horizontal_position, vertical_position"
    with pytest.raises(
        DesignError, match=f"question {question}: cannot be asked of a box in a photo; these can: {able}"
    ):
        CocoSource(changed(world, question=question))


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match=r"pipe: is no file"):
        read_lists(tmp_path / "pipe")
