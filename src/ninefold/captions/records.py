"""Captions, and what engines and checks make of them, as lines of JSON in the files of an unfinished run."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from ninefold.captions.caption import Caption
from ninefold.captions.pair import Generated, Pair
from ninefold.errors import RunError

_PAIR = tuple(field.name for field in fields(Pair))


def caption_to_json(caption: Caption) -> list[Any]:
    """Return a caption in JSON types."""
    path = None if caption.path is None else str(caption.path)
    return [caption.id, caption.text, caption.image, path, caption.corpus, caption.label, caption.described]


def caption_of(values: list[Any]) -> Caption:
    """Return the caption that `caption_to_json` has written."""
    name, text, image, path, *others = values
    return Caption(name, text, image, None if path is None else Path(path), *others)


def pair_to_json(pair: Pair) -> list[Any]:
    """Return a pair in JSON types; ``Pair(*values)`` is the pair again."""
    return [getattr(pair, name) for name in _PAIR]


def generated_to_json(made: Generated) -> dict[str, Any]:
    """Return what an engine made of a caption in JSON types; only what differs from nothing."""
    values = {
        "pairs": [pair_to_json(pair) for pair in made.pairs],
        "not_spatial": not made.is_spatial,
        "failed": made.failed,
        "broken": made.broken,
        "raw": made.raw,
        "tokens": dict(made.tokens or {}),
    }
    return {name: value for name, value in values.items() if value}


def generated_of(values: Mapping[str, Any]) -> Generated:
    """Return what `generated_to_json` has written."""
    return Generated(
        tuple(Pair(*pair) for pair in values.get("pairs", ())),
        not values.get("not_spatial", False),
        values.get("failed", ""),
        values.get("broken", ""),
        values.get("raw", ""),
        values.get("tokens"),
    )


def line(value: object) -> bytes:
    """Return a value as a line of JSON; a lone surrogate, which no file can hold, becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace") + b"\n"


def compressed(values: Iterable[object]) -> bytes:
    """Return lines of JSON, compressed; equal values give equal bytes."""
    return gzip.compress(b"".join(map(line, values)), compresslevel=5, mtime=0)


@contextmanager
def writing(path: Path) -> Iterator[gzip.GzipFile]:
    """Yield a compressed file that is written to, from the beginning."""
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=5, fileobj=file, mtime=0) as lines:
        yield lines


def read(path: Path) -> Iterator[Any]:
    """Yield the values of a compressed file of lines.

    Raises:
        RunError: If it is broken.
    """
    try:
        with gzip.open(path) as lines:
            for text in lines:
                yield json.loads(text)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise RunError(f"{path}: is broken ({error}); delete its folder, and run the command again") from error
