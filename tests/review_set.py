"""A small data set of captions, as `ninefold captions run` leaves it, for tests of the review."""

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ninefold.captions.layout import CAPTIONS, SCHEMAS, SOURCE
from ninefold.captions.taxonomy import RELATION_NAMES
from ninefold.data.format.dataset import About, Dataset, write
from ninefold.data.sources.pair_facts import RELATIONS
from ninefold.types import Example

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"


def row(
    number: int, relation: str, subject: str = "lamp", image: Any = None, **changed: Any
) -> tuple[dict[str, Any], Example]:
    """Return a caption and its only pair."""
    text = f"A room. The {subject} is {relation} of the desk, it seems."
    span = f"{subject} is {relation} of the desk"
    start = text.index(span)
    factors = {
        "caption_id": f"c{number}", "relation": relation, "frame": "viewer", "subject": subject, "object": "desk",
        "source_span": span, "span_start": start, "span_end": start + len(span), "fact": 0, "form": "where",
        "of_described": False, "corpus": "",
    }  # fmt: skip
    question = f"Where is the {subject}?"
    caption = {"id": f"c{number}", "text": text, "image": f"{number}.png", "path": "", "corpus": "", "label": ""}
    example = Example(
        f"c{number}/0", picture(number) if image is None else image, question, question, (), f"{relation} of the desk",
        "short_text", f"{number}.png", factors,
    )  # fmt: skip
    return caption, example


def picture(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), (number * 7 % 256, 90, 160)).save(buffer, "PNG")
    return buffer.getvalue()


def make(folder: Path, rows: list[tuple[dict[str, Any], Example]], *, embed: bool = True) -> Dataset:
    """Write a data set of captions and pairs."""
    about = About(
        "Pairs",
        "For tests.",
        {RELATIONS: list(RELATION_NAMES)},
        source=SOURCE,
        answer_format="short_text",
    )
    write(folder, {"train": [example for _, example in rows]}, about=about, embed=embed)
    captions = [{**caption, "described": None} for caption, _ in rows]
    pq.write_table(pa.Table.from_pylist(captions, schema=SCHEMAS[CAPTIONS]), folder / CAPTIONS)
    return Dataset.open(folder)
