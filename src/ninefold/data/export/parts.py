"""Parquet files of chat messages whose content is a list of parts, with embedded images, for TRL and axolotl."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ninefold.data.export.protocol import Conversation
from ninefold.data.export.rows import Rows
from ninefold.data.format.shards import GROUP_BYTES, GROUP_ROWS, SHARD_BYTES, SHARD_ROWS

Turn = Mapping[str, Any]
"""A chat message: ``{"role": str, "content": [{"type": "image" | "text", "text": str | None}, ...]}``."""

_FEATURES = {
    "turns": {
        "feature": {
            "role": {"dtype": "string", "_type": "Value"},
            "content": {
                "feature": {
                    "type": {"dtype": "string", "_type": "Value"},
                    "text": {"dtype": "string", "_type": "Value"},
                },
                "_type": "List",
            },
        },
        "_type": "List",
    },
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
}


def turns(conversation: Conversation) -> Sequence[Turn]:
    """Return the messages of a conversation; the first part of the first question stands for the image."""
    found: list[dict[str, Any]] = []
    for example in conversation.examples:
        asked = {"type": "text", "text": example.prompt}
        parts = [asked] if found else [{"type": "image", "text": None}, asked]
        found.append({"role": "user", "content": parts})
        found.append({"role": "assistant", "content": [{"type": "text", "text": example.answer}]})
    return found


def write(
    rows: Rows, split: str, columns: Sequence[str], conversations: Iterable[tuple[Conversation, Sequence[Any]]]
) -> None:
    """Write the parquet files of a split in ``data/``, named as the Hugging Face Hub expects them.

    Args:
        rows: The export.
        split: Name of the split.
        columns: Names of the columns of messages; ``id`` and ``images`` stand before them.
        conversations: Each conversation with its messages (see `Turn`), one list for each column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    message = pa.struct(
        {"role": pa.string(), "content": pa.list_(pa.struct({"type": pa.string(), "text": pa.string()}))}
    )
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    schema = pa.schema(
        {"id": pa.string(), "images": pa.list_(image), **{column: pa.list_(message) for column in columns}},
        metadata={"huggingface": json.dumps({"info": {"features": features(columns)}})},
    )
    (rows.folder / "data").mkdir(exist_ok=True)
    groups = _groups(columns, conversations)
    written: list[Path] = []
    group = next(groups, None)
    while group is not None:
        written.append(rows.folder / "data" / f"{split}-{len(written):05d}.parquet")
        room, count = SHARD_BYTES, 0
        with pq.ParquetWriter(written[-1], schema, use_dictionary=False) as writer:
            while group is not None and room > 0 and count < SHARD_ROWS:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                room -= sum(map(_size, group))
                count += len(group)
                group = next(groups, None)
    for path in written:
        path.rename(path.with_name(f"{path.stem}-of-{len(written):05d}.parquet"))


def features(columns: Iterable[str]) -> Mapping[str, Any]:
    """Return the features of the columns, as the `datasets` library stores them in a file."""
    text = {"dtype": "string", "_type": "Value"}
    return {"id": text, "images": _FEATURES["images"], **dict.fromkeys(columns, _FEATURES["turns"])}


def front_matter(splits: Iterable[str]) -> str:
    """Return the YAML by which `datasets.load_dataset` finds the files of each split."""
    files = "".join(f"\n  - split: {split}\n    path: data/{split}-*.parquet" for split in splits)
    return f"configs:\n- config_name: default\n  data_files:{files}"


def _groups(
    columns: Sequence[str], conversations: Iterable[tuple[Conversation, Sequence[Any]]]
) -> Iterator[list[dict[str, Any]]]:
    """Yield the rows of one row group after the other, each of a bounded size."""
    group: list[dict[str, Any]] = []
    room = GROUP_BYTES
    for conversation, values in conversations:
        image = {"bytes": conversation.image.content, "path": None}
        group.append({"id": conversation.id, "images": [image], **dict(zip(columns, values, strict=True))})
        room -= _size(group[-1])
        if room <= 0 or len(group) == GROUP_ROWS:
            yield group
            group, room = [], GROUP_BYTES
    if group:
        yield group


def _size(row: Mapping[str, Any]) -> int:
    return sum(len(image["bytes"]) for image in row["images"])
