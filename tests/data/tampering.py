"""Edits of a dataset folder, with or without making its manifest and its certificate agree."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from PIL import Image

from ninefold.data.checks.certificate import certify
from ninefold.data.sources.catalog import SOURCES
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec
from ninefold.store import canonical_json, content_id, read_json, write_json


def rows_of(folder, split="red"):
    path = next((folder / "data").glob(f"{split}-*.parquet"))
    return path, pq.read_table(path)


def change(folder, edit, *, manifest=False, certificate=False, split="red"):
    """Edit a split's rows, and perhaps make the manifest and the certificate agree with them."""
    path, table = rows_of(folder, split)
    rows = table.to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    if manifest:
        listed = [{"split": split, "id": row["id"], "pixels": pixels(row), "text": text(row)} for row in rows]
        change_listed(folder, lambda rows: rows.__setitem__(slice(None), listed), split=split)
    if certificate:
        write_json(folder / "certificate.json", certify(folder))


def change_listed(folder, edit, *, split="red", agree=True):
    """Edit the rows that the manifest lists of a split, and perhaps make the fingerprint agree with them."""
    path = folder / "manifest.parquet"
    rows = pq.read_table(path).to_pylist()
    others = [row for row in rows if row["split"] != split]
    rows = [row for row in rows if row["split"] == split]
    edit(rows)
    pq.write_table(pa.Table.from_pylist([*others, *rows]), path)
    if agree:
        listed = [{name: row[name] for name in ("id", "pixels", "text")} for row in rows]
        facts = {"rows": len(rows), "fingerprint": content_id(listed)}
        edit_json(folder / "manifest.json", lambda manifest: manifest["splits"].update({split: facts}))


def pixels(row):
    picture = np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])).convert("RGB"))
    return xxhash.xxh3_128(f"{picture.shape[1]}x{picture.shape[0]}:".encode() + picture.tobytes()).hexdigest()


def text(row):
    return xxhash.xxh3_128(
        canonical_json([row["question"], row["prompt"], row["options"], row["answer"]]).encode()
    ).hexdigest()


def swap(first, second, *names):
    def edit(rows):
        for name in names:
            rows[first][name], rows[second][name] = rows[second][name], rows[first][name]

    return edit


def edit_json(path, edit):
    content = read_json(path)
    edit(content)
    write_json(path, content)


def png(picture):
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


class Part(SyntheticSource):
    """A part of a synthetic set, in any splits: all its facts hold, but its rows are not all that its design has."""

    name = "part"
    from_spec_alone = False


def part_about(**options):
    return Part(SyntheticSpec("test", **options)).about()


SOURCES.setdefault("part", Part)
