"""Annotation files with values changed at random: examples, or one line that says what is wrong.

``NINEFOLD_FUZZ=5000`` tries that many files instead of the few of a normal run.
"""

import copy
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ninefold.data.sources.coco.source import CocoSource, CocoSpec
from ninefold.errors import NinefoldError

FILES = int(os.environ.get("NINEFOLD_FUZZ", "60"))
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

ODD: list[Any] = [
    *(None, True, 0, -1, 1.0, "1", "01", 1.5, 2**63, -(2**70), 10**400, math.nan, math.inf, "9" * 5000),
    *("", "  ", "Fish ", "stop-sign", "\ud800", "a\nb", "\0", "x" * 5000),
    *("../x.png", "/etc/hosts", "sub\\0.png", "images/1.png", "%2e%2e/x", "0.png", "broken.png"),
    *([], {}, [0.1, 0.2, 0.3, 0.4], ["1", "2", "3", "4"], [5, 5, 1e-300, 1e-300], [5, 5, 10**400, 3]),
]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        yield from places(inner, (*path, key))


CHANGES = st.tuples(
    st.sampled_from(list(places(CONTENT))), st.sampled_from(["set", "set", "remove", "repeat"]), st.sampled_from(ODD)
)


def changed(changes: list[tuple[tuple[Any, ...], str, Any]]) -> dict[str, Any]:
    content = copy.deepcopy(CONTENT)
    for path, how, value in changes:
        try:
            inner: Any = content
            for key in path[:-1]:
                inner = inner[key]
            if how == "set":
                inner[path[-1]] = copy.deepcopy(value)
            elif how == "remove":
                del inner[path[-1]]
            else:
                inner.append(copy.deepcopy(inner[path[-1]]))
        except (KeyError, IndexError, TypeError, AttributeError):
            continue  # an earlier change has removed this place
    return content


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "images"
    folder.mkdir()
    for number in range(PHOTOS):
        Image.fromarray(np.full((30, 40, 3), number, np.uint8)).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"\x89PNG")
    return folder


@settings(max_examples=FILES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    changes=st.lists(CHANGES, min_size=1, max_size=8),
    options=st.fixed_dictionaries(
        {
            "split": st.sampled_from(["test", "train"]),
            "boxes": st.sampled_from(["pixels", "fraction"]),
            "subset": st.sampled_from([None, 3]),
        }
    ),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_any_file_gives_examples_or_one_line(
    photos: Path, changes: list[Any], options: dict[str, Any], encoding: str
) -> None:
    path = photos.parent / "ann.json"
    path.write_bytes(json.dumps(changed(changes)).encode(encoding))
    source = CocoSource(CocoSpec(path, photos, **options))
    try:
        rows = [row for part in source.splits().values() for row in part.examples]
    except NinefoldError as error:
        assert "\n" not in str(error)
        return
    assert len({row.id for row in rows}) == len(rows) > 0
    assert all(row.answer in row.options and Path(str(row.image)).parent == photos for row in rows)
    assert len({type(row.factors["image_id"]) for row in rows}) == 1
    assert all(name.isprintable() for entry in source.skips.entries for name in entry["names"])
