"""Files of text, written as they stream: JSON lines, and one JSON list."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def json_lines(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write one line of JSON for each value."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for value in values:
            file.write(json_text(value) + "\n")


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
