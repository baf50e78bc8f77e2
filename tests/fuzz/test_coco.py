"""Annotation files and photos changed at random: examples, or one line that says what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import attempt, check, copied, dumped, fuzz, mutated_tree, run, spoil
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ninefold.data.sources.coco.source import CocoSource, CocoSpec

PHOTOS = 6

CONTENT: dict[str, Any] = {
    "images": [{"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in range(PHOTOS)],
    "annotations": [
        {"id": 10 * n + category, "image_id": n, "category_id": category, "bbox": [3 * n, 2 * n, 9, 7]}
        for n in range(PHOTOS)
        for category in (1, 2)
    ],
    "categories": [{"id": 1, "name": "fish"}, {"id": 2, "name": "stop sign"}],
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "images"
    folder.mkdir()
    for number in range(PHOTOS):
        Image.fromarray(np.full((30, 40, 3), number, np.uint8)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return folder


@fuzz(12)
@given(
    data=st.data(),
    changed=mutated_tree(CONTENT, most=8),
    options=st.fixed_dictionaries(
        {
            "split": st.sampled_from(["test", "train"]),
            "boxes": st.sampled_from(["pixels", "fraction"]),
            "subset": st.sampled_from([None, 3]),
        }
    ),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_coco(
    images: Path, tmp_path: Path, data: st.DataObject, changed: tuple[Any, str], options: Any, encoding: str
) -> None:
    with copied(images, to=tmp_path / "one") as [photos]:
        tree, about = changed
        path = photos.parent / "ann.json"
        path.write_bytes(dumped(tree).decode().encode(encoding))
        if data.draw(st.integers(0, 3)) == 0:
            about += "; " + spoil(data.draw(st.sampled_from([path, *sorted(photos.iterdir())])), data)
        source = CocoSource(CocoSpec(path, photos, **options))
        rows = attempt(lambda: [row for part in source.splits().values() for row in part.examples], about) or []
        check(len({row.id for row in rows}) == len(rows), "ids are unique", about)
        check(all(row.answer in row.options for row in rows), "answers are options", about)
        check(all(Path(str(row.image)).parent == photos for row in rows), "photos are of the folder", about)
        check(len({type(row.factors["image_id"]) for row in rows}) <= 1, "image ids are of one type", about)
        names = [name for entry in source.skips.entries for name in entry["names"]]
        check(all(name.isprintable() for name in names), "names can be printed", about)
        named = [f"--{name}={value}" for name, value in options.items() if value is not None]
        out = photos.parent / "set"
        code, _ = run("data", "coco", "--annotations", path, "--images", photos, "--out", out, *named, about=about)
        check((code == 0) == bool(rows), "the command makes what the source has", about)
        if code == 0:
            check(run("data", "verify", out, about=about)[0] == 0, "what was made is verified", about)
