"""Proofs of balance: what is exactly even in a data set, what its text gives away, and how to check both.

A certificate is computed from the shipped parquet and manifest alone, never from the code that made them, and `verify`
computes it again. Beside the tables of `balance` it states what was checked on every row (see `facts`).
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

from ninefold.analysis import balance
from ninefold.console import track
from ninefold.data.checks.facts import Columns, check_rows, pixel_facts, prepare
from ninefold.data.checks.shipped import check_images, check_manifest, column_hash, read_columns, read_images
from ninefold.data.format import manifest
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, RunError
from ninefold.store import read_json

LIMITS = (
    "Of pictures nothing is said but the facts listed: where a scene has one thing, it answers without the question.",
    "A bound on text is that of a reader who has seen these rows; where texts are as many as rows it means nothing.",
)
"""What no certificate says."""


def certify(folder: Path) -> dict[str, Any]:
    """Compute a data set's certificate from its parquet and manifest, without decoding its images.

    Returns:
        For each split the facts that hold of every row, the exact and inexact marginals and the bounds on what text
        gives away, and what the splits share; all in JSON's types. Facts about pixels are claims until `verify` has
        decoded them.

    Raises:
        DataError: If the folder is no data set, or a row breaks a fact; the message names the row.
    """
    data = Dataset.open(folder)
    return _certificate(data, read_columns(data))


def verify(folder: Path, *, progress: bool = False) -> dict[str, Any]:
    """Check a data set against its certificate: every fact again, from the shipped files alone, every image decoded.

    Args:
        folder: The data set.
        progress: Whether to show a bar on standard error while images are decoded.

    Returns:
        The certificate.

    Raises:
        DataError: If anything stated does not hold; the message names the first broken fact and its row.
    """
    data = Dataset.open(folder)
    path = folder / "certificate.json"
    try:
        shipped = read_json(path)
    except RunError as error:
        raise DataError(f"{error}; name a folder that `ninefold data` wrote, with all its files") from error
    splits = read_columns(data)
    check_manifest(data, splits)
    found = _certificate(data, splits)
    difference = _difference(shipped, found)
    if difference:
        raise DataError(f"{path}: {difference}")
    for split, columns in splits.items():
        rows = track(read_images(data, split), f"{split} images", total=len(columns["id"]), shown=progress)
        check_images(data, split, columns, rows)
    return found


def _certificate(data: Dataset, splits: Mapping[str, Columns]) -> dict[str, Any]:
    prepared = {split: prepare(columns, f"{data.folder}: {split}") for split, columns in splits.items()}
    stated = {
        split: {
            "rows": len(columns["id"]),
            "column_hashes": {name: column_hash(values) for name, values in splits[split].items()},
            "facts": check_rows(columns, f"{data.folder}: {split}"),
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
        "manifest_sha256": sha256((data.folder / manifest.FILE).read_bytes()).hexdigest(),
        "splits": stated,
        "between": between,
        "statements": [sentence for split, part in stated.items() for sentence in _of_split(split, part)]
        + [_of_pair(pair) for pair in between],
        "limits": list(LIMITS),
    }


def _of_split(split: str, part: Mapping[str, Any]) -> list[str]:
    """Return what is stated of a split, in words."""
    rows = part["rows"]
    said = [f"{len(part['facts'])} facts hold of each of {rows:,} rows, and {len(part['pixel_facts'])} of its picture."]
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


def _difference(shipped: Any, found: Any, path: str = "") -> str:
    """Return the first entry where a certificate says something else than its rows do; "" if there is none."""
    if isinstance(shipped, dict) and isinstance(found, dict):
        for key in [*found, *(key for key in shipped if key not in found)]:
            difference = _difference(shipped.get(key), found.get(key), f"{path}.{key}" if path else key)
            if difference:
                return difference
        return ""
    if isinstance(shipped, list) and isinstance(found, list) and len(shipped) == len(found):
        pairs = enumerate(zip(shipped, found, strict=True))
        return next(filter(None, (_difference(*pair, f"{path}[{index}]") for index, pair in pairs)), "")
    return "" if shipped == found else f"{path}: the certificate says {_short(shipped)}, the rows say {_short(found)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
