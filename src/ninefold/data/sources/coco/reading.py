"""The reader of annotation files: COCO's three lists, or one line that says what a file is instead."""

import json
import re
from pathlib import Path
from typing import Any

from ninefold.errors import DataError, printable

EXPECTED = "expected a file such as COCO's instances_val2017.json"
"""The last words of an error about a file of another kind."""

_PARTS = ("images", "annotations", "categories")
_HEAD = 256
"""Number of bytes that tell what kind a file is."""
_KINDS = (
    (re.compile(rb"\x1f\x8b"), "compressed by gzip; decompress it first"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive; unpack it first"),
    (re.compile(rb"\xff\xd8\xff|\x89PNG|GIF8|RIFF....WEBP|BM", re.DOTALL), "a picture"),
    (re.compile(rb"(\xef\xbb\xbf)?\s*<"), "XML or HTML, as Pascal VOC's annotations are; convert it to COCO's format"),
    (re.compile(rb"\s*\d+([ \t]+-?[\d.]+){4,}\s"), "YOLO's text of one photo; convert all of them to COCO's format"),
    (re.compile(rb"version https://git-lfs"), "a pointer of Git LFS; fetch the file itself (git lfs pull)"),
)  # fmt: skip
"""The starts by which files of other kinds are known."""


def read_lists(path: Path) -> dict[str, list[Any]]:
    """Return the lists of images, annotations and categories of a file, without outlines.

    The text may be in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        DataError: If the file is missing, unreadable, not JSON, or lacks a list.
    """
    head = b""
    # A pipe would be waited for without end, and a device read without end.
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: is no file; {EXPECTED}")
    try:
        with path.open("rb") as start:
            head = start.read(_HEAD)
        # The hook drops each outline once read: train2017 then takes 1.0 GB of memory instead of 2.7. A stream of
        # events (ijson) needs less, but takes longer, with one pass for each of the three lists.
        with path.open(encoding=json.detect_encoding(head)) as file:
            data = json.load(file, object_hook=_without_outline)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; {EXPECTED}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {EXPECTED}") from error
    except MemoryError as error:
        raise DataError(f"{path}: larger than the memory that is free; keep fewer images in it") from error
    except (ValueError, RecursionError) as error:
        kind = next((kind for start, kind in _KINDS if start.match(head)), None)
        what = f"it is {kind}" if kind else printable(str(error))
        raise DataError(f"{path}: not readable as JSON ({what}); {EXPECTED}") from error
    parts = data if isinstance(data, dict) else {}
    for part in _PARTS:
        if not isinstance(parts.get(part), list):
            raise DataError(
                f"{path}: not COCO's instance annotations (no list of {part} in {_described(data)}); {EXPECTED}"
            )
    return parts


def _without_outline(row: dict[str, Any]) -> dict[str, Any]:
    row.pop("segmentation", None)
    return row


def _described(data: object) -> str:
    match data:
        case dict():
            keys = ", ".join(list(data)[:6]) + (", ..." if len(data) > 6 else "")
            return printable(f"an object of {keys[:80]}") if data else "an empty object"
        case list():
            return f"a list of {len(data):,}, as results are"
    return "a single value"
