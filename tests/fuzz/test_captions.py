"""Files of captions and of images to exclude, changed at random: every row accounted for, or one line of error."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import attempt, check, copied, fuzz, spoil
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ninefold.captions.caption import Caption
from ninefold.captions.sources.reading import read
from ninefold.captions.spec import CaptionsIn

CAT = {"label": "cat", "description": "A cat on a mat.", "normalized_coords": ["1", "2", "3", "4"]}
ROWS: list[dict[str, Any]] = [
    {"id": f"row {n % 4}", "text": f"<p>A cat &amp; {n} dogs.</p>", "image": f"{n % 3}.png", "objects": [CAT], "n": n}
    for n in range(6)
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "files"
    folder.mkdir()
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    (folder / "a.jsonl").write_text(lines)
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "c.parquet")
    with (folder / "d.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ROWS[0].keys())
        writer.writeheader()
        writer.writerows({**row, "objects": json.dumps(row["objects"])} for row in ROWS)
    (folder / "names.txt").write_text("2.png\n")
    (folder / "names.jsonl").write_text(json.dumps({"image": "000000000002.jpg"}) + "\n")
    (folder / "names.json").write_text(json.dumps({"images": [{"id": 1, "file_name": "2.png"}]}))
    for number in range(3):
        Image.new("RGB", (9, 9), (90 * number, 0, 0)).save(folder / f"{number}.png")
    return folder


@fuzz(60)
@given(data=st.data())
def test_captions(files: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(files, to=tmp_path / "one") as [folder]:
        file = folder / data.draw(st.sampled_from(["a.jsonl", "b.jsonl.gz", "c.parquet", "d.csv"]))
        names = folder / data.draw(st.sampled_from(["names.txt", "names.jsonl", "names.json", "a.jsonl"]))
        about = "; ".join(
            spoil(path, data) for path in {file, data.draw(st.sampled_from([file, names, folder / "1.png"]))}
        )
        spec = {
            "text_field": "text", "id_field": data.draw(st.sampled_from(["id", None])), "descriptions": True,
            "image_field": data.draw(st.sampled_from(["image", None])), "allow_missing": data.draw(st.booleans()),
            "exclude": data.draw(st.sampled_from([(), (names,)])),
        }  # fmt: skip
        about += f" {spec}"
        found = attempt(lambda: list(read(CaptionsIn((file,), **spec))), about) or []
        captions = [item for item in found if isinstance(item, Caption)]
        check(len({item.id for item in captions}) == len(captions), "ids are unique", about)
        for item in captions:
            check(item.text and item.text == item.text.strip() and "\0" not in item.text, "texts are clean", about)
            check(item.id.isprintable() and item.image.isprintable(), "names can be printed", about)
            check(f"{item}".encode(), "all of it is UTF-8", about)
        if found and spec["image_field"] is None:
            shards = [
                attempt(lambda n=n: list(read(CaptionsIn((file,), **spec, shard=f"{n}/2"))), about) for n in (0, 1)
            ]
            whole = sorted(map(str, found))
            check(sorted(str(item) for shard in shards for item in shard or ()) == whole, "shards are all", about)
