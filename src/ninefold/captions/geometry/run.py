"""The check of a folder of pairs against a file of labelled boxes."""

import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ninefold import store
from ninefold.captions.geometry import rows
from ninefold.captions.geometry.boxes import Labelled
from ninefold.captions.geometry.check import Fact, Verdict, check
from ninefold.captions.geometry.summary import Summary
from ninefold.captions.layout import CAPTIONS, GEOMETRY, GEOMETRY_FACTS
from ninefold.captions.sources.objects import row_of
from ninefold.data.format.columns import opened
from ninefold.errors import DataError
from ninefold.runs.found import DATA_SET, instead

_FACT = ("caption_id", "fact", "relation", "frame", "subject", "object", "source_span", "of_described")
"""The columns of pairs that say what they state."""

_TEXT, _NUMBERS = pa.string(), pa.list_(pa.float64())

_SCHEMA = pa.schema(
    {"caption_id": _TEXT, "fact": pa.int64(), "relation": _TEXT, "frame": _TEXT, "subject": _TEXT, "object": _TEXT}
    | {"words": _TEXT, "outcome": _TEXT, "why": _TEXT, "subject_label": _TEXT, "subject_box": _NUMBERS}
    | {"object_labels": pa.list_(_TEXT), "object_boxes": pa.list_(_NUMBERS)}
)
"""The columns of the table of facts; a box is x_min, y_min, x_max, y_max on 0..999, null if there is no unique one."""


def check_geometry(folder: Path, captions: Path, *, id_field: str | None = None) -> Summary:
    """Check the facts of a folder of pairs against labelled boxes, and write the outcome there.

    ``geometry.json`` holds the counts, ``geometry.parquet`` every distinct fact with its boxes and its verdict.

    Args:
        folder: A folder that `ninefold captions run` wrote.
        captions: The file of the captions, with a field ``objects`` (see `ninefold.captions.geometry.boxes`).
        id_field: The field of ids that the pairs were made with; by default it is found.

    Raises:
        DataError: If the folder is none of pairs, or the file has no boxes or none of its captions.
    """
    facts = _facts(folder)
    texts = dict.fromkeys((row_of(caption)[0] for caption in facts), "")
    texts |= {row: text for row, text in _texts(folder) if row in texts}
    read = rows.read(captions, texts, id_field)
    verdicts: list[Verdict] = []
    summary = Summary(read, captions=len(facts), repeated=0)
    for caption, of_caption in facts.items():
        objects = read.objects.get(row_of(caption)[0], [])
        distinct = list(check(of_caption.values(), objects))
        for verdict in distinct:
            summary.add(verdict, objects)
        summary.repeated += len(of_caption) - len(distinct)
        verdicts += distinct
    _write_facts(folder / GEOMETRY_FACTS, verdicts)
    store.write_json(folder / GEOMETRY, summary.to_json())
    return summary


def _facts(folder: Path) -> dict[str, dict[int, Fact]]:
    """Return the facts of a folder by caption and number; pairs of one fact state the same."""
    facts: defaultdict[str, dict[int, Fact]] = defaultdict(dict)
    shards = sorted((folder / "data").glob("*.parquet"))
    if not shards:
        raise DataError(instead(folder, DATA_SET, "name a folder that `ninefold captions run` wrote"))
    for shard in shards:
        with opened(shard, _FACT) as file:
            for batch in file.iter_batches(columns=list(_FACT)):
                for row in batch.to_pylist():
                    fact = _fact(row)
                    facts[fact.caption].setdefault(fact.number, fact)
    return dict(facts)


def _fact(row: Mapping[str, Any]) -> Fact:
    caption = row["caption_id"] or ""
    described = row_of(caption)[1] if row["of_described"] else None
    subject, thing, words = (row[name] or "" for name in ("subject", "object", "source_span"))
    return Fact(caption, row["fact"] or 0, row["relation"] or "", row["frame"] or "", subject, thing, words, described)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield id and text of each caption; none where the folder has no file of them."""
    path = folder / CAPTIONS
    if path.exists():
        with opened(path) as file:
            if not {"id", "text"} <= set(file.schema_arrow.names):
                raise DataError(f"{path}: column missing: id or text; make the data set again")
            for row in file.read(["id", "text"]).to_pylist():
                if isinstance(row["text"], str):
                    yield row["id"], row["text"]


def _write_facts(path: Path, verdicts: Sequence[Verdict]) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([_row(verdict) for verdict in verdicts], schema=_SCHEMA), buffer)
    store.write_bytes(path, buffer.getvalue())


def _row(verdict: Verdict) -> dict[str, Any]:
    fact, subject = verdict.fact, verdict.subject
    return {
        "caption_id": fact.caption,
        "fact": fact.number,
        "relation": fact.relation,
        "frame": fact.frame,
        "subject": fact.subject,
        "object": fact.object,
        "words": fact.words,
        "outcome": verdict.outcome,
        "why": verdict.why,
        "subject_label": subject.label if subject else None,
        "subject_box": _corners(subject) if subject else None,
        "object_labels": [thing.label for thing in verdict.objects],
        "object_boxes": [_corners(thing) for thing in verdict.objects],
    }


def _corners(thing: Labelled) -> list[float]:
    assert thing.box, "a match has a box"
    return [thing.box.x_min, thing.box.y_min, thing.box.x_max, thing.box.y_max]
