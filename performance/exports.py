"""Speed and memory of `ninefold export` in each form, against a plain script that writes the same files.

Rows are photo-like JPEG files of 320 x 240 pixels, each another one. Every export is a process of its own: its peak
memory is compared between a small and a large data set, and must not grow with the rows. "plain" reads the parquet
files and writes each image and a line of JSON. "check" is what it lacks: each row and each decoded image is compared
with the manifest, here by one thread.
"""

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from ninefold import ExportSpec, export, images
from ninefold.data.export.catalog import EXPORTERS
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.data.format.dataset import Dataset
from ninefold.seeding import rng
from ninefold.types import Example

WIDTH, HEIGHT = 320, 240
OPTIONS = ("top left", "top right", "bottom left", "bottom right")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, nargs=2, default=(1000, 10_000), help="rows of the two data sets")
    options.add_argument("--to", nargs="+", default=list(EXPORTERS), choices=list(EXPORTERS), help="forms")
    options.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.child:
        _child(Path(given.child[0]), given.child[1])
        return
    with tempfile.TemporaryDirectory() as folder:
        for count in given.rows:
            dataset.write(Path(folder) / str(count), {"train": _examples(count)}, about=About("rows", "Rows.", {}))
        print(
            "| form | " + " | ".join(f"{count:,} rows: s | rows/s | times plain | MiB" for count in given.rows) + " |"
        )
        print("| --- |" + " ---: |" * 8)
        found = {
            (count, to): _measured(Path(folder) / str(count), to)
            for to in ("plain", "check", *given.to)
            for count in given.rows
        }
        for to in ("plain", "check", *given.to):
            cells = []
            for count in given.rows:
                seconds, memory = found[count, to]
                ratio = seconds / found[count, "plain"][0]
                cells += [f"{seconds:.2f}", f"{count / seconds:,.0f}", f"{ratio:.1f}", f"{memory:.0f}"]
            print(f"| {to} | {' | '.join(cells)} |")


def _examples(count: int) -> Iterator[Example]:
    noise = rng(0, "exports").integers(0, 64, (HEIGHT, WIDTH, 3))
    ramp = np.linspace(0, 160, WIDTH)[None, :, None]
    for number in range(count):
        pixels = (np.roll(noise, number, axis=1) + ramp + number % 31).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=85)
        asked = f"Where is object {number}? Choose from [{', '.join(OPTIONS)}]."
        yield Example(f"row-{number}", buffer.getvalue(), asked, asked, OPTIONS, OPTIONS[number % 4], group=str(number))


def _measured(data: Path, to: str) -> tuple[float, float]:
    """Return seconds of the work alone and peak memory of its process in MiB."""
    command = [sys.executable, __file__, "--child", str(data), to]
    return tuple(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _child(data: Path, to: str) -> None:
    out = data.with_name(f"{data.name}-{to}")
    begun = time.perf_counter()
    if to == "plain":
        _plain(data, out)
    elif to == "check":
        for example in Dataset.open(data).read("train"):
            images.check(example.image)
    else:
        export(ExportSpec(data, to, model="any" if to == "openai-batch" else None), out, progress=False)
    seconds = time.perf_counter() - begun
    shutil.rmtree(out, ignore_errors=True)
    # Unlike the resource module's figure, this one does not begin with the parent's.
    [peak] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    print(json.dumps([seconds, int(peak.split()[1]) / 1024]))


def _plain(data: Path, out: Path) -> None:
    out.mkdir()
    with (out / "rows.jsonl").open("w") as file:
        for shard in sorted((data / "data").glob("*.parquet")):
            for batch in pq.ParquetFile(shard).iter_batches(64, columns=["id", "image", "prompt", "answer"]):
                for row in batch.to_pylist():
                    path = out / f"{row['id']}.jpg"
                    path.write_bytes(row.pop("image")["bytes"])
                    file.write(json.dumps({**row, "image": path.name}) + "\n")


if __name__ == "__main__":
    main()
