"""What tests of sources in COCO's format share."""

import json
from pathlib import Path

import pytest
from PIL import Image

from ninefold.seeding import rng

SIDE = 27


@pytest.fixture(scope="session")
def dotted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred photos with one "a" or two, one "b" and one "c", in random cells."""
    folder, draw = tmp_path_factory.mktemp("data") / "dotted", rng(0, "test")
    (folder / "images").mkdir(parents=True)
    images, rows = [], []
    for number in range(1, 201):
        Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIDE, "height": SIDE})
        for category in (1, 2, 3, *((1,) if number % 2 else ())):
            x, y = (3 * draw.integers(9, size=2)).tolist()
            rows.append({"id": len(rows) + 1, "image_id": number, "category_id": category, "bbox": [x, y, 3, 3]})
    categories = [{"id": number, "name": name} for number, name in enumerate("abc", 1)]
    content = {"images": images, "annotations": rows, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder
