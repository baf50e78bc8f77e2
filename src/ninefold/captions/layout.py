"""The files of a folder of pairs, and their columns; it is a data set folder with some further files."""

import pyarrow as pa

from ninefold.data.format.further import (
    CAPTIONS,
    COUNTS,
    FAILED,
    GEOMETRY,
    GEOMETRY_FACTS,
    LEFT_OUT,
    REJECTED,
    REVIEW,
    SOURCE,
    TIMING,
)

__all__ = [
    "CAPTIONS",
    "COUNTS",
    "FAILED",
    "GEOMETRY",
    "GEOMETRY_FACTS",
    "LEFT_OUT",
    "REJECTED",
    "REVIEW",
    "SCHEMAS",
    "SOURCE",
    "TIMING",
]

_TEXT, _NUMBER = pa.string(), pa.int64()

_FACTORS = {
    "caption_id": _TEXT,
    "relation": _TEXT,
    "frame": _TEXT,
    "subject": _TEXT,
    "object": _TEXT,
    "source_span": _TEXT,
    "span_start": _NUMBER,
    "span_end": _NUMBER,
    "fact": _NUMBER,
    "form": _TEXT,
    "of_described": pa.bool_(),
    "corpus": _TEXT,
}

SCHEMAS = {
    CAPTIONS: pa.schema(
        {"id": _TEXT, "text": _TEXT, "image": _TEXT, "path": _TEXT, "corpus": _TEXT, "label": _TEXT}
        | {"described": _NUMBER}
    ),
    REJECTED: pa.schema(
        {"id": _TEXT, "image": _TEXT, "question": _TEXT, "answer": _TEXT} | _FACTORS | {"check": _TEXT, "detail": _TEXT}
    ),
    LEFT_OUT: pa.schema({"id": _TEXT, "reason": _TEXT, "detail": _TEXT}),
    FAILED: pa.schema({"id": _TEXT, "reason": _TEXT, "raw": _TEXT}),
}
"""Columns of each parquet file beside those of the data set, by its name. A path is absolute; "" without a file, and
``described`` is null for the description of an image. In `REJECTED`, ``image`` is the image as its row names it."""
