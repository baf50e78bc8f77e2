"""A folder in the official form of Visual Spatial Reasoning, with small pictures in place of the photos."""

import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

ROWS = [
    ("000000000139.jpg", "The cup is on the table.", 1, "on"),
    ("000000000139.jpg", "The cup is under the table.", 0, "under"),
    ("000000000285.jpg", "The bear is near the grass.", 1, "near"),
    ("000000000632.jpg", "The bed is on the table.", 0, "on"),
]


def line(row: Sequence[object], **others: object) -> str:
    """Return a row of the official file."""
    image, caption, label, relation = row
    fields = {"image": image, "caption": caption, "label": label, "relation": relation, "subj": "a", "obj": "b"}
    votes = {"vote_true_validator_id": "[18, 2]", "vote_false_validator_id": "[]"}
    return json.dumps({**fields, **votes, **others}) + "\n"


def official(folder: Path, rows: Sequence[Sequence[object]] = ROWS, photos: Iterable[object] | None = None) -> Path:
    """Write a folder in the official form, with a small picture for each photo."""
    (folder / "zeroshot").mkdir(parents=True)
    (folder / "zeroshot" / "test.jsonl").write_text("".join(map(line, rows)))
    draw(folder / "images", {row[0] for row in rows} if photos is None else photos)
    return folder


def draw(folder: Path, names: Iterable[object]) -> None:
    """Write a small picture under each name."""
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    for name in names:
        (folder / str(name)).write_bytes(buffer.getvalue())
