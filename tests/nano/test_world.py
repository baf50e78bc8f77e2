import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ninefold.nano import captioner, describer, photos, world
from ninefold.nano.spec import WorldSpec
from ninefold.scenes.vocabulary import COLORS
from ninefold.seeding import rng
from ninefold.space import LABELS


@pytest.fixture(scope="module")
def textures():
    return [world.texture(rng(0, "texture", i), side=96) for i in range(3)]


def test_plain_pictures_hold_different_things_that_do_not_touch():
    picture = world.plain(rng(3), 6)
    assert len({item.name for item in picture.items}) == len(picture.items) > 3
    drawn = world.draw(picture, 200, 200)
    for item in picture.items:
        assert tuple(drawn[int(item.y * 200), int(item.x * 200)]) == COLORS[item.color] or item.shape == "star"


def test_a_thing_is_drawn_where_its_box_says(textures):
    item = world.WorldThing("red", "square", 0.25, 0.5, 0.2, 0.1, COLORS["red"])
    drawn = world.draw(world.WorldImage((item,), np.zeros((1, 1, 3), np.uint8)), 200, 100)
    rows, cols = np.nonzero(drawn[..., 0] > 127)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (45, 54, 30, 69)


def test_photo_like_things_stay_inside_and_crowd_the_center(textures):
    items = [item for i in range(60) for item in world.photo_like(rng(1, i), 8, textures).items]
    assert all(item.w / 2 - 1e-9 <= item.x <= 1 - item.w / 2 + 1e-9 for item in items)
    assert all(item.h / 2 - 1e-9 <= item.y <= 1 - item.h / 2 + 1e-9 for item in items)
    central = np.mean([max(abs(item.x - 0.5), abs(item.y - 0.5)) < 1 / 6 for item in items])
    assert central > 1.5 / 9


def test_textures_never_have_the_color_of_a_thing(textures):
    for texture in textures:
        spread = texture.max(axis=2).astype(int) - texture.min(axis=2)
        assert spread.max() < 90


def test_a_captioner_has_a_big_center_and_avoids_its_sides():
    said = [captioner.position(rng(0, i), 0.1, 0.5) for i in range(300)]
    assert set(said) <= set(LABELS)
    assert 0.15 < np.mean([label == "center left" for label in said]) < 0.45
    # (0.35, 0.62) lies in the center region's corner; a little further out people still say center.
    assert np.mean([captioner.position(rng(1, i), 0.31, 0.53) == "center" for i in range(300)]) > 0.5


def test_points_are_two_percentages():
    assert captioner.point(world.WorldThing("red", "plus", 0.078, 0.999, 0.1, 0.1, (255, 0, 0))) == "07 99"


def test_a_describer_says_where_things_are_as_people_do(textures):
    said, wrong = Counter(), 0
    other = world.WorldThing("red", "square", 0.5, 0.5, 0.1, 0.1, COLORS["red"])
    for i in range(2000):
        # A little further down than to the right: people still say "right".
        thing = replace(other, x=0.75, y=0.78)
        said[describer.relation(rng(i, "a"), thing, other)] += 1
        wrong += describer.relation(rng(i, "b"), replace(thing, y=0.5), other) == "left"
    assert said["right"] > 0.6 * 2000 and said["below"] > 0.1 * 2000
    assert 0.015 < wrong / 2000 < 0.05
    image = world.photo_like(rng(4), 8, textures)
    text = describer.description(rng(5), image)
    assert text == describer.description(rng(5), image)
    lone = [thing.name for thing in image.named_once()]
    assert text.count(".") == min(len(lone), describer.MOST) and sum(name in text for name in lone) >= len(lone) - 2


def test_the_world_is_described_with_the_boxes_of_its_things(tmp_path):
    folder = tmp_path / "world"
    photos.make(WorldSpec(pictures=2, seed=5), folder)
    rows = [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()]
    boxes = [row["bbox"] for row in json.loads((folder / "annotations.json").read_text())["annotations"]]
    assert [row["image"] for row in rows] == ["000000000001.jpg", "000000000002.jpg"]
    assert [thing["box"] for row in rows for thing in row["objects"]] == boxes
    # A world of an earlier version gets its descriptions.
    (folder / "captions.jsonl").unlink()
    photos.make(WorldSpec(pictures=2, seed=5), folder)
    assert [json.loads(line) for line in (folder / "captions.jsonl").read_text().splitlines()] == rows


def test_the_world_is_written_in_cocos_format_and_repeats(tmp_path):
    for name in ("a", "b"):
        photos.make(WorldSpec(pictures=3, seed=5), tmp_path / name)
    first, second = ((tmp_path / name / "annotations.json").read_bytes() for name in ("a", "b"))
    assert first == second
    content = json.loads(first)
    assert [image["id"] for image in content["images"]] == [1, 2, 3]
    sizes = {image["id"]: (image["width"], image["height"]) for image in content["images"]}
    for image in content["images"]:
        with Image.open(tmp_path / "a" / "images" / image["file_name"]) as opened:
            assert opened.size == sizes[image["id"]]
    for annotation in content["annotations"]:
        x, y, w, h = annotation["bbox"]
        width, height = sizes[annotation["image_id"]]
        assert x >= -0.01 and y >= -0.01 and x + w <= width + 0.01 and y + h <= height + 0.01
