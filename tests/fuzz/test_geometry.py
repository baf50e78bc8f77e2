"""Pairs and labelled boxes changed at random: every fact is counted once, or one line says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile import check, copied, dumped, files_of, fuzz, mutated_tree, run, spoil
from hypothesis import given
from hypothesis import strategies as st

ROW: dict[str, Any] = {
    "key": "room",
    "caption": "A lamp is left of the sofa.",
    "objects": [
        {"label": "Lamp", "description": "A white lamp", "normalized_coords": ["300", "100", "500", "200"]},
        {"label": "Leather sofas", "normalized_coords": [450, 400, 8, 800]},
        {"label": "Rug", "box": [1, 2, 30, 40], "image_size": [100, 100]},
    ],
}

FACTS = [("left", "viewer", "a lamp", "leather sofas"), ("right", "image", "rug", ""), ("on", "part", "lamp", "rug")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "pairs"
    (folder / "data").mkdir(parents=True)
    names = ("relation", "frame", "subject", "object")
    rest = {"caption_id": "room", "source_span": "A lamp", "of_described": False}
    rows = [{**dict(zip(names, fact, strict=True)), **rest, "fact": number} for number, fact in enumerate(FACTS)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train-00000-of-00001.parquet")
    pq.write_table(pa.table({"id": ["room"], "text": [ROW["caption"]]}), folder / "captions.parquet")
    return folder


@fuzz(25)
@given(data=st.data(), changed=mutated_tree([ROW, ROW], most=8), named=st.sampled_from([None, "key", "caption", "a.b"]))
def test_geometry(folder: Path, tmp_path: Path, data: st.DataObject, changed: Any, named: str | None) -> None:
    with copied(folder, to=tmp_path / "one") as [pairs]:
        tree, about = changed
        path = pairs.parent / "rows.jsonl"
        path.write_bytes(b"\n".join(map(dumped, tree if isinstance(tree, list) else [tree])))
        if data.draw(st.integers(0, 2)) == 0:
            about += "; " + spoil(data.draw(st.sampled_from([path, *files_of(pairs)])), data)
        options = () if named is None else (f"--id-field={named}",)
        code, _ = run("captions", "check-geometry", pairs, "--captions", path, *options, about=about)
        check((code == 0) == (pairs / "geometry.json").exists(), "it is written if nothing is wrong", about)
        if code == 0:
            found = json.loads((pairs / "geometry.json").read_text())
            for counts in (found, *found["by_relation"].values(), *found["by_origin"].values()):
                outcomes = [counts[name] for name in ("confirmed", "contradicted", "undecided", "unmatched")]
                check(counts["decided"] == sum(outcomes[:2]), "decided is what boxes confirm or contradict", about)
            facts = pq.read_table(pairs / "geometry.parquet").num_rows
            check(facts == sum(found[name] for name in ("decided", "undecided", "unmatched")), "facts add up", about)
