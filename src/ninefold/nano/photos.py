"""Photo-like images of the nano world in COCO's format: a set unlike the synthetic ones, without a download."""

import json
import re
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from ninefold import store
from ninefold.console import track
from ninefold.errors import DesignError, RunError
from ninefold.nano.describer import description
from ninefold.nano.spec import CAPTIONS, WorldSpec
from ninefold.nano.world import KINDS, WorldImage, draw, photo_like, texture
from ninefold.output import Kind, Settings, located
from ninefold.runs.lock import locked_output, tidy_output
from ninefold.seeding import rng

LONG_SIDE = 640
"""Pixels along an image's longer side, as in COCO."""

DESCRIPTION = "Photo-like pictures of ninefold's nano world"
"""Description in ``annotations.json``, by which the folder is recognized."""

ABOUT = """\
Photo-like pictures of the nano world
=====================================
`images/` holds {pictures} JPEG pictures: textured backgrounds, 3 to 12 colored shapes of many sizes, which overlap and
crowd at the center. `annotations.json` lists their {boxes} boxes in COCO's instances format. `captions.jsonl` describes
each picture as people do: in words for places that are not those of the boxes, and with mistakes at times.

Made by `ninefold nano world`, seed {seed}. Read it the way COCO is read:

    ninefold data coco --annotations annotations.json --images images --out DIR

and its descriptions the way any captions are:

    ninefold captions run captions.jsonl --text-field caption --id-field id \\
        --image-field image --images images --out DIR
    ninefold captions check-geometry DIR --captions captions.jsonl
"""


def make(spec: WorldSpec, out: Path, *, overwrite: bool = False, progress: bool = False) -> None:
    """Write `images/`, `annotations.json`, `captions.jsonl` and a README; a folder that has them is left unchanged.

    Args:
        spec: Number and seed of the images.
        out: The folder to write.
        overwrite: Whether a world of other settings is replaced there.
        progress: Whether to show a bar on standard error.

    Raises:
        DesignError: If the number of images is less than one, or the seed is negative.
        DataError: If the folder holds anything else.
        RunError: If another process is writing it.
    """
    if spec.pictures < 1 or spec.seed < 0:
        raise DesignError(f"--pictures {spec.pictures} --seed {spec.seed}: one image or more, and a seed of 0 or more")
    out = located(out)
    if KIND.check(out, asdict(spec), overwrite=overwrite) and is_made(spec, out):
        tidy_output(out)
        return
    with locked_output(out):
        # Another process may just have finished.
        if not (KIND.check(out, asdict(spec), overwrite=overwrite) and is_made(spec, out)):
            with store.atomic_folder(out) as folder:
                _draw(spec, folder, progress=progress)


def _draw(spec: WorldSpec, folder: Path, *, progress: bool) -> None:
    """Draw the images of a specification into an empty folder, and list them."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    descriptions: list[str] = []
    (folder / "images").mkdir()
    numbers = range(1, spec.pictures + 1)
    for number in track(numbers, "photo-like images", shown=progress):
        random = rng(spec.seed, "nano", "photos", number)
        image = photo_like(random, int(random.integers(3, 13)), [texture(random)])
        width, height = _size(image)
        name = f"{number:012d}.jpg"
        Image.fromarray(draw(image, width, height)).save(folder / "images" / name, quality=90)
        images.append({"id": number, "file_name": name, "width": width, "height": height, "license": 1})
        boxes = _boxes(image, width, height)
        annotations += [{**box, "id": len(annotations) + i, "image_id": number} for i, box in enumerate(boxes, 1)]
        # A generator of its own: pictures are those of a world without descriptions.
        text = description(rng(spec.seed, "nano", "descriptions", number), image)
        objects = [
            {"label": item.name, "box": box["bbox"], "image_size": (width, height)}
            for item, box in zip(image.items, boxes, strict=True)
        ]
        descriptions.append(json.dumps({"id": str(number), "image": name, "caption": text, "objects": objects}))
    content = {
        "info": {"description": DESCRIPTION, "seed": spec.seed},
        "licenses": [{"id": 1, "name": "CC0-1.0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": i, "name": f"{color} {shape}", "supercategory": shape} for i, (color, shape) in enumerate(KINDS, 1)
        ],
    }
    store.write_text(folder / "annotations.json", json.dumps(content))
    store.write_text(folder / CAPTIONS, "\n".join(descriptions) + "\n")
    about = ABOUT.format(pictures=len(images), boxes=len(annotations), seed=spec.seed)
    store.write_text(folder / "README.md", about)


def is_made(spec: WorldSpec, folder: Path) -> bool:
    """Return whether a folder holds the images of a specification, all of them."""
    names = (f"{number:012d}.jpg" for number in range(1, spec.pictures + 1))
    whole = (folder / CAPTIONS).is_file() and all((folder / "images" / name).is_file() for name in names)
    return whole and _settings(folder) == asdict(spec)


def _settings(folder: Path) -> Settings | None:
    """Return the settings that made a folder; None if it is no nano world."""
    try:
        content = store.read_json(folder / "annotations.json")
        ours = content["info"]["description"] == DESCRIPTION
        return {"pictures": len(content["images"]), "seed": content["info"]["seed"]} if ours else None
    except (OSError, RunError, KeyError, TypeError):
        return None


KIND = Kind("nano world", re.compile(r"README\.md|annotations\.json|captions\.jsonl|images(/\d{12}\.jpg)?"), _settings)
"""The folder of images, as an output."""


def _size(image: WorldImage) -> tuple[int, int]:
    if image.aspect >= 1:
        return LONG_SIDE, round(LONG_SIDE / image.aspect)
    return round(LONG_SIDE * image.aspect), LONG_SIDE


def _boxes(image: WorldImage, width: int, height: int) -> list[dict[str, object]]:
    return [
        {
            "category_id": 1 + KINDS.index((item.color, item.shape)),
            "bbox": [
                round((item.x - item.w / 2) * width, 2),
                round((item.y - item.h / 2) * height, 2),
                round(item.w * width, 2),
                round(item.h * height, 2),
            ],
            "area": round(item.w * width * item.h * height, 2),
            "iscrowd": 0,
            "segmentation": [],
        }
        for item in image.items
    ]
