"""Proofs of balance: what is exactly even in a data set, what its text gives away, and how to check both.

A certificate is computed from the shipped parquet and manifest alone, never from the code that made them, and `verify`
computes it again. Beside the tables of `balance` it states what was checked on every row (see `facts`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from rich.console import Console
from rich.progress import track

from ninefold import images
from ninefold.analysis import balance
from ninefold.data.checks.facts import DRAWN_BY, LISTED, Columns, check_pixels, check_rows, pixel_facts, prepare
from ninefold.errors import DataError, RunError
from ninefold.store import canonical_json, read_json

LIMITS = (
    "Of pictures nothing is said but the facts listed: where a scene has one thing, it answers without the question.",
    "A bound on text is that of a reader who has seen these rows; where texts are as many as rows it means nothing.",
)
"""What no certificate says."""


def certify(folder: Path) -> dict[str, Any]:
    """Compute a data set's certificate from its parquet and manifest, without decoding its pictures.

    Returns:
        For each part the facts that hold of every row, the exact and inexact marginals and the bounds on what text
        gives away, and what the parts share; all in JSON's types. Facts about pixels are claims until `verify` has
        decoded them.

    Raises:
        DataError: If the folder is no data set, or a row breaks a fact; the message names the row.
    """
    return _certificate(folder, _parts(folder, _manifest(folder)))


def verify(folder: Path, *, progress: bool = False) -> dict[str, Any]:
    """Check a data set against its certificate: every fact again, from the shipped files alone, every picture decoded.

    Args:
        folder: The data set.
        progress: Whether to show a bar on standard error while pictures are decoded.

    Returns:
        The certificate.

    Raises:
        DataError: If anything stated does not hold; the message names the first broken fact and its row.
    """
    manifest = _manifest(folder)
    shipped = _json(folder / "certificate.json")
    parts = _parts(folder, manifest)
    for split, columns in parts.items():
        _check_text(f"{folder}: {split}", columns, manifest["rows"][split])
    found = _certificate(folder, parts)
    difference = _difference(shipped, found)
    if difference:
        raise DataError(f"{folder / 'certificate.json'}: {difference}")
    for split, rows in manifest["rows"].items():
        pictures = track(
            _pictures(folder, split),
            f"{split} pictures",
            total=len(rows),
            console=Console(stderr=True),
            disable=not progress,
        )
        _check_pictures(f"{folder}: {split}", pictures, rows)
    return found


def _certificate(folder: Path, parts: Mapping[str, Columns]) -> dict[str, Any]:
    prepared = {split: prepare(columns, f"{folder}: {split}") for split, columns in parts.items()}
    splits = {
        split: {
            "rows": len(columns["id"]),
            "column_hashes": {name: _hash(json.dumps(values).encode()) for name, values in parts[split].items()},
            "facts": check_rows(columns, f"{folder}: {split}"),
            "pixel_facts": pixel_facts(columns),
            **balance.within(columns),
        }
        for split, columns in prepared.items()
    }
    between = [
        {"splits": [one, other], **balance.between(prepared[one], prepared[other])}
        for one, other in combinations(prepared, 2)
    ]
    return {
        "format": 1,
        "manifest_sha256": sha256((folder / "manifest.json").read_bytes()).hexdigest(),
        "splits": splits,
        "between": between,
        "statements": [sentence for split, part in splits.items() for sentence in _of_part(split, part)]
        + [_of_pair(pair) for pair in between],
        "limits": list(LIMITS),
    }


def _of_part(split: str, part: Mapping[str, Any]) -> list[str]:
    """Say in words what is stated of a part."""
    rows, pictures = part["rows"], len(part["pixel_facts"])
    said = [f"{len(part['facts'])} facts hold of each of {rows:,} rows, and {pictures} of its picture."]
    said += [
        f"Whoever reads the {bound['view']} alone is right at most {_times(bound)}; {bound['texts']:,} are distinct."
        for bound in part["text_only"]
        if bound["view"] in {"prompt", "question", "options"}
    ]
    if "distractors" in part:
        said.append(f"Whoever sees one distractor alone is right at most {_times(part['distractors']['seeing_one'])}.")
    even = [" x ".join(entry["factors"]) for entry in part["marginals"] if entry["exact"] and entry["max"] < rows]
    uneven = [f"{' x '.join(entry['factors'])} ({entry['min']} to {entry['max']})" for entry in part["not_exact"]]
    said += [f"Exactly even: {', '.join(even)}."] if even else []
    said += [f"Not exactly even: {', '.join(uneven)}."] if uneven else []
    return [f"{split}: {sentence[0].lower()}{sentence[1:]}" for sentence in said]


def _times(bound: Mapping[str, Any]) -> str:
    return f"{bound['numerator']:,} times of {bound['denominator']:,} ({bound['reduced']})"


def _of_pair(pair: Mapping[str, Any]) -> str:
    one, other = pair["splits"]
    shared = [f"{count:,} {name}" for name, count in pair["shared"].items() if count]
    none = [name for name, count in pair["shared"].items() if not count]
    sentence = f"{one} and {other} share {', '.join([*shared, *(f'no {name}' for name in none)])}."
    leak = {way: pair["carried_over"][way] for way in ("most seen", "least seen")}
    if not any(leak.values()):
        return sentence
    way = max(leak, key=lambda way: leak[way])
    rows = pair["carried_over"]["rows"]
    return (
        f"{sentence} Whoever answers {other} with what each prompt has {way} in {one} is right "
        f"{leak[way]:,} times of {rows:,}."
    )


def _json(path: Path) -> Any:
    try:
        return read_json(path)
    except RunError as error:
        raise DataError(f"{error}; name a folder that `ninefold data` wrote, with all its files") from error


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "manifest.json"
    manifest: dict[str, Any] = _json(path)
    try:
        parts = [[(row["id"], row["pixels"], row["text"]) for row in rows] for rows in manifest["rows"].values()]
        whole = bool(parts) and all(parts) and all(isinstance(text, str) for text in chain(*chain(*parts)))
    except (KeyError, TypeError, AttributeError):
        whole = False
    if not whole:
        raise DataError(f"{path}: not a manifest: every row of every split needs an id and hashes of pixels and text")
    shipped = {file.name.rpartition("-of-")[0].rpartition("-")[0] for file in (folder / "data").glob("*.parquet")}
    if shipped != set(manifest["rows"]):
        odd = ", ".join(sorted(shipped ^ set(manifest["rows"])))
        raise DataError(f"{path}: its splits are not those of the parquet files (differing: {odd})")
    return manifest


def _parts(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Columns]:
    """Read every part's columns but for the pictures, and add the manifest's hashes to them."""
    parts = {}
    for split, rows in manifest["rows"].items():
        columns = _read(folder, split)
        _check_ids(f"{folder}: {split}", listed=[row["id"] for row in rows], shipped=columns["id"])
        parts[split] = columns | {
            "manifest pixels": [row["pixels"] for row in rows],
            "manifest text": [row["text"] for row in rows],
        }
    return parts


def _files(folder: Path, split: str) -> list[pq.ParquetFile]:
    files = []
    for path in sorted((folder / "data").glob(f"{split}-*.parquet")):
        try:
            files.append(pq.ParquetFile(path))
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{path}: not readable as parquet ({error})") from error
    return files


def _read(folder: Path, split: str) -> Columns:
    files = _files(folder, split)
    names = files[0].schema_arrow.names
    missing = {"id", "image", "question", "prompt", "options", "answer", "answer_format"}.difference(names)
    if missing:
        raise DataError(f"{folder}: {split}: column missing: {', '.join(sorted(missing))}")
    names.remove("image")
    try:
        columns: Columns = pa.concat_tables([file.read(columns=names) for file in files]).to_pydict()
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{folder}: {split}: not readable as parquet ({error})") from error
    return columns


def _check_ids(where: str, *, listed: Sequence[str], shipped: Sequence[str]) -> None:
    for ids, others, what, lacks in (
        (listed, set(shipped), "manifest.json", "the parquet"),
        (shipped, set(listed), "the parquet", "manifest.json"),
    ):
        for row, count in Counter(ids).items():
            if count > 1:
                raise DataError(f"{where}: row {row}: {count} times in {what}; ids must be unique")
            if row not in others:
                raise DataError(f"{where}: row {row}: in {what} but not in {lacks}")
    for row, expected in zip(shipped, listed, strict=True):
        if row != expected:
            raise DataError(f"{where}: row {row}: stands where manifest.json lists {expected}")


def _check_text(where: str, columns: Columns, rows: Sequence[Mapping[str, str]]) -> None:
    texts = zip(*(columns[name] for name in ("question", "prompt", "options", "answer")), strict=True)
    for row, text in zip(rows, texts, strict=True):
        if _hash(canonical_json(text).encode()) != row["text"]:
            raise DataError(f"{where}: row {row['id']}: its question, prompt, options or answer is not the manifest's")


def _check_pictures(where: str, pictures: Iterable[Mapping[str, Any]], rows: Sequence[Mapping[str, str]]) -> None:
    silhouettes: dict[bytes, tuple[str, str, int]] = {}
    for shipped, row in zip(pictures, rows, strict=True):
        name = f"{where}: row {row['id']}"
        rgb = images.open_rgb(_encoded(shipped["image"] or {}, name), name=name)
        height, width = rgb.shape[:2]
        alike = _hash(f"{width}x{height}:".encode(), np.ascontiguousarray(rgb)) == row["pixels"]
        broken = check_pixels(rgb, shipped, silhouettes) if alike else LISTED
        if broken:
            raise DataError(f"{name}: broken: {broken}")


def _encoded(image: Mapping[str, Any], name: str) -> bytes | Path:
    content: bytes | None = image.get("bytes")
    if content is None and not image.get("path"):
        raise DataError(f"{name}: has no picture")
    return Path(image["path"]) if content is None else content


def _pictures(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    """Yield, row by row, the encoded picture and what the row says of it."""
    for file in _files(folder, split):
        names = [name for name in ("image", *DRAWN_BY) if name in file.schema_arrow.names]
        for batch in file.iter_batches(64, columns=names):
            yield from batch.to_pylist()


def _hash(*contents: Any) -> str:
    digest = xxhash.xxh3_128()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()


def _difference(shipped: Any, found: Any, path: str = "") -> str:
    """Name the first place where what a certificate says is not what its rows say; "" if there is none."""
    if isinstance(shipped, dict) and isinstance(found, dict):
        for key in [*found, *(key for key in shipped if key not in found)]:
            difference = _difference(shipped.get(key), found.get(key), f"{path}.{key}" if path else key)
            if difference:
                return difference
        return ""
    if isinstance(shipped, list) and isinstance(found, list) and len(shipped) == len(found):
        places = (_difference(*pair, f"{path}[{place}]") for place, pair in enumerate(zip(shipped, found, strict=True)))
        return next(filter(None, places), "")
    return "" if shipped == found else f"{path}: the certificate says {_short(shipped)}, the rows say {_short(found)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
