"""How fast the synthetic test set is made, against drawing and saving the same images with Pillow.

Run it with ``python performance/generation.py``; ``--limit 500`` gives a quick look. All is measured in one process,
one after the other:

1. the whole command, which writes parquet, hashes, manifest, certificate and card; its imports count;
2. drawing the images and encoding them as PNG, with ninefold and with Pillow's defaults, in turns of a hundred so
   that a busy machine slows both alike;
3. what streaming the set takes of memory, after a tenth of it and after all.

The images of both ways are decoded and compared.
"""

import argparse
import io
import resource
import sys
import tempfile
import time
from functools import lru_cache
from itertools import islice
from pathlib import Path

from tracing import traced


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=int, help="measure step 2 on so many images only")
    parser.add_argument("--distractors", type=int, default=0, help="other things in each image")
    arguments = parser.parse_args()

    command, peak = whole_command(arguments.distractors)

    from ninefold.data.sources.synthetic import SyntheticSpec, examples

    spec = SyntheticSpec("test", distractors=arguments.distractors)
    scenes = [example.image for example in islice(examples(spec)["test"], arguments.limit)]
    ours, pillow = in_turns(scenes)
    total = len(list(examples(spec)["test"]))
    baseline = pillow / len(scenes) * total
    print(f"{'':32}{'seconds':>9}{'ms each':>9}{'ratio':>8}")
    line("Pillow draws and saves", pillow, len(scenes), 1)
    line("ninefold draws and encodes", ours, len(scenes), pillow / ours)
    line("Pillow, the whole set", baseline, total, 1)
    line("ninefold, the whole command", command, total, baseline / command)
    print(f"peak memory of the whole command: {peak:.0f} MB")
    tenth, all_of_it = streaming_peaks(spec, total)
    print(f"peak memory of streaming, beyond the program: {tenth:.1f} MB after a tenth, {all_of_it:.1f} MB after all")


def line(what: str, seconds: float, images: int, ratio: float) -> None:
    print(f"{what:32}{seconds:9.2f}{seconds / images * 1000:9.3f}{ratio:7.1f}x")


def whole_command(distractors: int) -> tuple[float, float]:
    """Return the seconds that making the set takes, imports included, and the process's peak memory in MB."""
    start = time.perf_counter()
    from ninefold.data.make import make
    from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec

    with tempfile.TemporaryDirectory() as folder:
        make(SyntheticSource(SyntheticSpec("test", distractors=distractors)), Path(folder) / "test")
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return seconds, peak / (2**20 if sys.platform == "darwin" else 2**10)


def in_turns(scenes: list) -> tuple[float, float]:
    """Return the seconds that ninefold and Pillow take for the same images, beginning without anything cached."""
    import numpy as np
    from PIL import Image

    from ninefold.scenes import render

    for cached in (render.mask, render._blank, render._patch, render._palette, render._indices, render._band):
        cached.cache_clear()
    seconds = [0.0, 0.0]
    for first in range(0, len(scenes), 100):
        some = scenes[first : first + 100]
        made = []
        for way, encode in enumerate((render.encode_png, pillow_png)):
            start = time.perf_counter()
            made.append([encode(scene) for scene in some])
            seconds[way] += time.perf_counter() - start
        for ours, theirs in zip(*made, strict=True):
            one, other = (np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in (ours, theirs))
            assert np.array_equal(one, other)
    return seconds[0], seconds[1]


def pillow_png(scene) -> bytes:
    """Draw a scene as the paper's generator does, by pasting sprites that are kept, and save it as Pillow does."""
    from PIL import Image

    from ninefold.scenes.vocabulary import COLORS, SIZES

    image = Image.new("RGB", (scene.canvas, scene.canvas), COLORS[scene.background])
    cell = scene.canvas // scene.grid
    edge = round((scene.canvas - cell * scene.grid) / 2)
    for thing in scene.things:
        side = cell // SIZES[thing.size]
        inset = edge + (cell - side) // 2
        corner = inset + cell * thing.cell.col, inset + cell * thing.cell.row
        image.paste(COLORS[thing.color], corner, sprite(thing.shape, side))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


@lru_cache
def sprite(shape: str, side: int):
    from PIL import Image

    from ninefold.scenes.render import mask

    return Image.fromarray(mask(shape, side) * 255)


def streaming_peaks(spec, total: int) -> tuple[float, float]:
    """Return the most memory in MB that Python and numpy hold while a tenth of the set, and all of it, is drawn."""
    from ninefold.data.sources.synthetic import examples
    from ninefold.scenes.render import encode_png

    peaks = []
    with traced() as memory:
        for position, example in enumerate(examples(spec)["test"], start=1):
            encode_png(example.image)
            if position in (total // 10, total):
                peaks.append(memory()[1] / 2**20)
    return peaks[0], peaks[1]


if __name__ == "__main__":
    main()
