"""How long COCO's annotation files take to read, and how much memory.

Run it with ``python performance/coco.py``. Two files are made as large as val2017's (36,781 boxes) and train2017's
(860,001), outlines included; each is then read in a process of its own by ninefold, and by plain ``json.load`` for
comparison. The limits are 3 s and 500 MB for the first, 60 s and 4 GB for the second.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

FILES = {"val2017": (5_000, 36_781), "train2017": (118_287, 860_001)}
"""Photos and boxes of the official files."""

WIDTH, HEIGHT = 640, 480

READ = {
    "ninefold": """
from pathlib import Path
from ninefold.data.sources.coco.annotations import read_instances
from ninefold.data.sources.protocol import Skips
found = len(read_instances(Path(path), Skips()))
""",
    "json.load": """
import json
found = len(json.load(open(path))["annotations"])
""",
}
MEASURE = """
import json, resource, sys, time
path = sys.argv[1]
start = time.perf_counter()
{read}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
print(json.dumps([found, seconds, peak]))
"""


def main() -> None:
    print(f"{'file':12}{'MB':>6}  {'read by':12}{'found':>10}{'seconds':>9}{'peak MB':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (photos, boxes) in FILES.items():
            path = Path(folder) / f"instances_{name}.json"
            write(path, photos, boxes)
            for reader, read in READ.items():
                command = [sys.executable, "-c", MEASURE.format(read=read), str(path)]
                found, seconds, peak = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
                print(f"{name:12}{path.stat().st_size / 1e6:6.0f}  {reader:12}{found:10,}{seconds:9.2f}{peak:9.0f}")


def write(path: Path, photos: int, boxes: int) -> None:
    """Write an annotation file of the official form: outlines of 20 points or so, several things of a category."""
    from ninefold.seeding import rng

    draw = rng(0, "coco benchmark", photos)
    outlines = [
        json.dumps(draw.uniform(0, WIDTH, 2 * int(points)).round(2).tolist())
        for points in 3 + draw.geometric(0.05, 500)
    ]
    per_photo = draw.multinomial(boxes, [1 / photos] * photos).tolist()
    with path.open("w") as file:
        file.write('{"info": {}, "licenses": [], "images": [')
        file.write(", ".join(image(number) for number in range(photos)))
        file.write('], "annotations": [')
        number = 0
        for photo, count in enumerate(per_photo):
            # A few categories each; all things but one of each belong to the first.
            categories = draw.permutation(80)[: draw.integers(1, 5)].tolist()
            sides = draw.uniform(2, 300, (count, 2)).round(2).tolist()
            corners = draw.random((count, 2)).tolist()
            for position, ((x, y), (w, h)) in enumerate(zip(corners, sides, strict=True)):
                category = categories[position] if position < len(categories) else categories[0]
                row = (
                    f'{{"segmentation": [{outlines[number % len(outlines)]}], "area": {w * h / 2:.4f}, "iscrowd": 0, '
                    f'"image_id": {photo}, "bbox": [{x * (WIDTH - w):.2f}, {y * (HEIGHT - h):.2f}, {w}, {h}], '
                    f'"category_id": {category}, "id": {number}}}'
                )
                file.write(f", {row}" if number else row)
                number += 1
        names = [{"supercategory": "thing", "id": key, "name": f"thing {key}"} for key in range(80)]
        file.write(f'], "categories": {json.dumps(names)}}}')


def image(number: int) -> str:
    url = f"http://images.cocodataset.org/train2017/{number:012d}.jpg"
    flickr = f"http://farm9.staticflickr.com/8186/{number:010d}_4e622c8349_z.jpg"
    return json.dumps(
        {
            "license": 3, "file_name": f"{number:012d}.jpg", "coco_url": url, "height": HEIGHT, "width": WIDTH,
            "date_captured": "2013-11-14 11:18:45", "flickr_url": flickr, "id": number,
        }
    )  # fmt: skip


if __name__ == "__main__":
    main()
