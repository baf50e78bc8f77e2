"""Official files of benchmarks changed at random: a data set, or one line that says what is wrong."""

import base64
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import vsr_files
from hostile import check, copied, files_of, fuzz, run, spoil
from hypothesis import given
from hypothesis import strategies as st

from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.types import Scene, Thing

PICTURE = encode_png(Scene((Thing("square", "red", "large", Cell(0, 0)),), canvas=90))
WORDS = {"on": "on", "under": "under", "left_of": "to the left of", "right_of": "to the right of"}

PLACES = (
    ("vsr", "vsr", "vsr"),
    ("realworldqa", "realworldqa", "realworldqa"),
    ("image", "whatsup", "."),
    ("parquet", "3dsrbench", "parquet"),
    ("", "3dsrbench", "."),
)
"""A word in the path of a file, the source that reads it, and its folder."""


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of all benchmarks."""
    folder = tmp_path_factory.mktemp("fuzz") / "official"
    (folder / "images").mkdir(parents=True)
    rows = []
    for name in WORDS:
        captions = [f"A mug {WORDS[other]} a table" for other in (name, *(WORDS.keys() - {name}))]
        rows.append({"image_path": f"data/images/mug_{name}_table.jpeg", "caption_options": captions})
        (folder / "images" / f"mug_{name}_table.jpeg").write_bytes(PICTURE)
    (folder / "controlled_images_dataset.json").write_text(json.dumps(rows))
    asked = {"question": "Left or right?", "A": "left", "B": "right", "answer": "A", "category": "height_higher"}
    table = [{"index": "0", "qid": f"AAAAAAA{number}", **asked} for number in range(4)]
    lines = ["\t".join([*table[0], "image"])]
    lines += ["\t".join([*row.values(), base64.b64encode(PICTURE).decode()]) for row in table]
    (folder / "3dsr_circular.tsv").write_text("\n".join(lines))
    held = [{**row, "image": {"bytes": PICTURE, "path": None}} for row in table]
    (folder / "parquet").mkdir()
    pq.write_table(pa.Table.from_pylist(held), folder / "parquet" / "3dsrbench.parquet")
    (folder / "realworldqa").mkdir()
    asked = {"question": "Where?\n\nA. Left\nB. Right\nAnswer with the letter.", "answer": "B"}
    held = [{**asked, "image": {"bytes": PICTURE, "path": None}}]
    pq.write_table(pa.Table.from_pylist(held), folder / "realworldqa" / "test.parquet")
    vsr_files.official(folder / "vsr")
    return folder


@fuzz(3)
@given(data=st.data())
def test_official_files(official: Path, tmp_path: Path, data: st.DataObject) -> None:
    with copied(official, to=tmp_path / "one") as [folder]:
        file = data.draw(st.sampled_from(files_of(folder)))
        about = spoil(file, data)
        source, place = next(known for word, *known in PLACES if word in str(file.relative_to(folder)))
        place = folder / place
        more = data.draw(st.sampled_from([[], ["--allow-missing"], ["--text-only"]]))
        out = folder.parent / "made"
        code, said = run("data", source, "--directory", place, *more, "--out", out, about=about)
        check(code == 0 or str(folder) in said or "image" in said, "names the place", f"{source} {about}\n{said}")
        if code == 0:
            code, said = run("data", "verify", out, about=about)
            check(code == 0, "what was made verifies", f"{source} {about}\n{said}")
