"""Files of text, written as they stream: JSON lines, and one JSON list."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ninefold.data.export.rows import Rows, messages


def json_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write one line of JSON for each value."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(json_text(value) + "\n")


def chats(rows: Rows) -> None:
    """Write ``{split}.jsonl`` of each split: messages, the first of which begins with ``<image>``, and image files."""
    for split in rows.splits:
        lines = (
            {"messages": messages(found, "<image>"), "images": [rows.image_file(found.image)]}
            for found in rows.conversations(split)
        )
        json_lines(rows.folder / f"{split}.jsonl", lines)


def json_list(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list with one value a line."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        start = "[\n"
        for value in values:
            file.write(start + json_text(value))
            start = ",\n"
        file.write("\n]\n")


def json_text(value: object) -> str:
    """Return a value as JSON in one line."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
