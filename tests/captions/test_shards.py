"""Shards of a run, as jobs of a Slurm array make them, and their data sets joined."""

import json
import shutil

import pyarrow.parquet as pq
import pytest
import scripted
from PIL import Image

import ninefold as nf
from ninefold.captions import layout
from ninefold.captions.engines import catalog
from ninefold.captions.spec import CaptionsIn, CaptionsSpec
from ninefold.errors import DataError, RunError

SHARDS = 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of the shards of a run, and of the same run without shards."""
    folder = tmp_path_factory.mktemp("shards")
    captions = folder / "captions.jsonl"
    captions.write_text("".join(_lines()))
    for number in range(12):
        Image.new("RGB", (2, 2), (number, 0, 0)).save(folder / f"{number}.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalog.REGISTERED, "scripted", scripted.Scripted)
        for index in range(SHARDS):
            nf.run_captions(_spec(captions, f"{index}/{SHARDS}"), folder / f"part-{index}")
        nf.run_captions(_spec(captions, "0/1"), folder / "whole")
    return [folder / f"part-{index}" for index in range(SHARDS)], folder / "whole"


def _lines():
    """Captions of which some are broken, empty, twice, without an image, or fail."""
    for number in range(60):
        things = f"thing{number} is left of a plate{number}"
        text = (
            ("", "A dog sleeps.", f"A {things}!", "A cup is left of a bowl.")[number % 10]
            if number % 10 < 4
            else f"A {things}."
        )
        image = f"{number % 13}.png"
        yield json.dumps({"id": f"c{number}", "text": text, "file": image}) + "\n"
        if number % 20 == 7:
            yield "{broken\n"


def _spec(captions, shard):
    rows = CaptionsIn((captions,), "text", "id", "file", images=captions.parent, shard=shard)
    return CaptionsSpec(rows, engine="scripted")


def _rows(folder, name="data"):
    return {row["id"]: row for row in pq.read_table(folder / name).to_pylist()}


def test_each_caption_is_in_one_shard_with_all_others_of_its_image(made):
    shards, whole = made
    assert all(json.loads((folder / layout.COUNTS).read_text())["captions_in"] for folder in shards)
    for name in ("data", layout.CAPTIONS, layout.LEFT_OUT, layout.FAILED, layout.REJECTED):
        found = [row for folder in shards for row in _rows(folder, name).items()]
        assert len(found) == len(dict(found)), name
        assert dict(found) == _rows(whole, name), name
    images = [{row["image"] for row in _rows(folder, layout.CAPTIONS).values()} for folder in shards]
    assert sum(map(len, images)) == len(set().union(*images))


def test_shards_joined_are_the_run_without_shards(made, tmp_path):
    shards, whole = made
    counts = nf.merge_captions(reversed(shards), tmp_path / "joined")
    assert counts.to_json() == json.loads((whole / layout.COUNTS).read_text())
    assert _rows(tmp_path / "joined") == _rows(whole)
    for name in layout.SCHEMAS:
        assert _rows(tmp_path / "joined", name) == _rows(whole, name)
    assert nf.verify(tmp_path / "joined")["verdict"].startswith(f"OK: {counts.pairs_out} rows, every fact holds")
    spec, other = (
        json.loads((folder / "manifest.json").read_text())["spec"] for folder in (tmp_path / "joined", whole)
    )
    assert spec == other


def test_shards_that_are_not_those_of_one_run_are_refused(made, tmp_path):
    shards, whole = made
    with pytest.raises(DataError, match="shard 1/3 of the run is missing"):
        nf.merge_captions([shards[0], shards[2]], tmp_path / "joined")
    with pytest.raises(DataError, match="is shard 0/3, as is"):
        nf.merge_captions([*shards, shards[0]], tmp_path / "joined")
    with pytest.raises(DataError, match="whole: is a whole run and no shard"):
        nf.merge_captions([*shards, whole], tmp_path / "joined")
    with pytest.raises(RunError, match=r"the command reads .* there; choose another --out"):
        nf.merge_captions(shards, shards[0], overwrite=True)
    other = shutil.copytree(shards[0], tmp_path / "other")
    (other / "manifest.json").write_text((other / "manifest.json").read_text().replace('"0/3"', '"0/2"'))
    with pytest.raises(DataError, match="same n"):
        nf.merge_captions([other, shards[1]], tmp_path / "joined")
    assert not (tmp_path / "joined").exists()
