"""Certificates of balance: the exactly balanced factors of a data set, and the information that its text gives away.

A certificate is computed from the shipped parquet and manifest alone, never from the code that made them, and `verify`
computes it again. Besides the tables of `balance`, it states the facts checked on every row (see `facts`).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

from ninefold.analysis import balance
from ninefold.console import track
from ninefold.data.checks import remake
from ninefold.data.checks.facts import (
    LISTED,
    Columns,
    SourceFacts,
    answer_reader,
    check_formats,
    check_rows,
    general_facts,
)
from ninefold.data.checks.layout import check_card
from ninefold.data.checks.prompts import answers_in_prompts
from ninefold.data.checks.shipped import check_images, check_manifest, column_hash, read_columns, read_images
from ninefold.data.checks.statements import sentences
from ninefold.data.format import manifest
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.catalog import facts_of
from ninefold.errors import DataError, DesignError, RunError
from ninefold.specs import option
from ninefold.store import read_json

FORMAT = 2
"""Version of the certificate: of what it states, and how."""

LIMITS = (
    "Of images nothing is said but the facts listed: where a scene has one thing, it answers without the question.",
    "A bound on text is that of a reader who has seen these rows; where texts are as many as rows it means nothing.",
)
"""Limits of every certificate."""


def certify(folder: Path) -> dict[str, Any]:
    """Compute a data set's certificate from its parquet and manifest, without decoding its images.

    Returns:
        For each split, the facts of every row, the exact and inexact marginals, and the bounds on text-only accuracy;
        for each pair of splits, what they share. All in JSON types. Facts about pixels are claims until `verify` has
        decoded the images.

    Raises:
        DataError: If the folder is not a data set, or a row breaks a fact; the message names the row.
    """
    data = Dataset.open(folder)
    return _certificate(data, read_columns(data), _facts(data))


def verify(
    folder: Path, *, reproduce: bool = False, files: Mapping[str, Path | None] | None = None, progress: bool = False
) -> dict[str, Any]:
    """Check a data set against its certificate: recompute every fact from the shipped files and decode every image.

    Rows that follow from the specification in the manifest alone are made again and compared, without their images.

    Args:
        folder: The data set.
        reproduce: Whether every row is made again with its image, whatever its source.
        files: For ``reproduce``, the files that the source reads, by the field of its specification.
        progress: Whether to show a bar on standard error while images are decoded.

    Returns:
        The certificate, with a ``verdict``: one line that says what was checked.

    Raises:
        DataError: If a stated fact does not hold; the message names the first broken fact and its row.
        DesignError: If the data set cannot be made again with these files.
    """
    data = Dataset.open(folder)
    if reproduce:
        remake.needed_files(data, files or {})
    path = folder / manifest.CERTIFICATE
    try:
        shipped = read_json(path)
    except RunError as error:
        raise DataError(f"{error}; name a folder that `ninefold data` wrote, with all its files") from error
    facts = _facts(data)
    splits = read_columns(data)
    check_manifest(data, splits)
    _check_format(path, shipped)
    found = _certificate(data, splits, facts)
    unchecked = [] if facts else _take_over(shipped, found)
    again = "undo that, or make the data set again with `ninefold data`"
    difference = _difference(shipped, {**found, "manifest_sha256": shipped.get("manifest_sha256")})
    if difference:
        raise DataError(f"{path}: {difference}; something was edited, or another version of ninefold made it; {again}")
    if shipped.get("manifest_sha256") != found["manifest_sha256"]:
        raise DataError(f"{folder / manifest.FILE}: was edited after {manifest.CERTIFICATE} was made for it; {again}")
    source = remake.source_of(data, files or {})
    if source and (reproduce or source.from_spec_alone):
        remake.compare(data, splits, source, with_images=reproduce, progress=progress)
    check_card(data)
    for split, columns in splits.items():
        check = (facts or SourceFacts()).images()
        rows = track(
            read_images(data, split, check.columns), f"{split} images", total=len(columns["id"]), shown=progress
        )
        check_images(data, split, columns, rows, check)
    return {
        "verdict": _verdict(data, found, known=facts is not None, reproduced=reproduce),
        **found,
        "limits": [*found["limits"], *unchecked],
    }


def _verdict(data: Dataset, found: Mapping[str, Any], *, known: bool, reproduced: bool) -> str:
    rows = sum(data.splits.values())
    held = "every fact holds" if known else f"every fact holds that needs no knowledge of the source {data.source!r}"
    again = ", and made again they are the same" if reproduced else ""
    files = () if reproduced else remake.files_of(data, needed=True)
    named = " ".join(f"{option(name)} ..." for name in files)
    left = (
        f"; rows were not compared with the {' and '.join(files)} that they are made from: --reproduce {named} does it"
        if files
        else ""
    )
    flaws = Counter[str]()
    for part in found["splits"].values():
        flaws.update(part.get("flaws", {}))
    flawed = "".join(f"; on purpose, {count:,} rows {flaw}" for flaw, count in flaws.items())
    return f"OK: {rows:,} row{'' if rows == 1 else 's'}, {held}{again}{flawed}{left}"


def _check_format(path: Path, shipped: Mapping[str, Any]) -> None:
    if shipped.get("format") != FORMAT:
        raise DataError(
            f"{path}: format {shipped.get('format')!r:.20}, where this version of ninefold checks format {FORMAT}; "
            "make the data set again with `ninefold data`"
        )


def _facts(data: Dataset) -> SourceFacts | None:
    """Return the facts that the source of a data set states about its rows, or None if the source is unknown here."""
    where = data.folder / manifest.FILE
    try:
        facts = facts_of(data.manifest)
    except (DesignError, DataError) as error:
        raise DataError(f"{where}: {error}") from error
    for name, value in (facts.manifest if facts else {}).items():
        if getattr(data.manifest, name) != value:
            raise DataError(
                f"{where}: {name} is {getattr(data.manifest, name)!r:.60}, where its source has {value!r:.60}"
            )
    return facts


def _take_over(shipped: Any, found: dict[str, Any]) -> list[str]:
    """Copy the claims of an unknown source from the shipped certificate; return a note that they are unchecked."""
    claimed = 0
    for split, part in found["splits"].items():
        stated = shipped.get("splits", {}).get(split, {}) if isinstance(shipped, dict) else {}
        others = [fact for fact in stated.get("facts", []) if isinstance(fact, dict) and "source" in fact]
        part["facts"] += others
        part["pixel_facts"] += [fact for fact in stated.get("pixel_facts", []) if fact not in part["pixel_facts"]]
        part.update({key: stated[key] for key in ("distractors", "unasked") if key in stated})
        claimed += len(others) + len(part["pixel_facts"]) - 1
    found["statements"] = sentences(found)
    name = found["source"]
    return [
        f"The source {name!r} is not known here: of what it claims, {claimed} facts are not checked, and only what "
        "holds of any data set is; load the file that registers it (--plugin)."
    ]


def _certificate(data: Dataset, splits: Mapping[str, Columns], facts: SourceFacts | None) -> dict[str, Any]:
    stated = {}
    for split, columns in splits.items():
        where = f"{data.folder}: {split}"
        check_formats(columns, where)
        of_any = check_rows(columns, general_facts(data.labels), where)
        prepared = _prepared(facts, columns, where) if facts else columns
        own = check_rows(prepared, facts.rows, where) if facts else []
        given_away = answers_in_prompts(columns, data.labels, where)
        things = {"things": prepared["things"]} if "things" in prepared else {}
        stated[split] = {
            "rows": len(columns["id"]),
            "column_hashes": {name: column_hash(values) for name, values in columns.items()},
            "facts": [*of_any, *({**fact, "source": data.source} for fact in own)],
            "pixel_facts": [LISTED, *(facts.images().sentences if facts else ())],
            **_flaws(facts, prepared),
            **_unasked(facts, prepared),
            **_without_image(columns),
            "answers_in_prompts": given_away,
            **balance.within(columns | things | {"answer": _read_answers(columns, data.labels)}),
        }
    found: dict[str, Any] = {
        "format": FORMAT,
        "manifest_sha256": sha256((data.folder / manifest.FILE).read_bytes()).hexdigest(),
        "source": data.source,
        "question": data.question,
        "splits": stated,
        "between": [
            {"splits": [one, other], **balance.between(splits[one], splits[other])}
            for one, other in combinations(splits, 2)
        ],
    }
    return {**found, "statements": sentences(found), "limits": list(LIMITS)}


def _prepared(facts: SourceFacts, columns: Columns, where: str) -> Columns:
    try:
        return facts.prepare(columns, where)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DataError(f"{where}: a column has values that its source does not write ({error!r})") from error


def _flaws(facts: SourceFacts | None, columns: Columns) -> dict[str, dict[str, int]]:
    """Return the flaws that rows have on purpose, under their key in a certificate; nothing where there are none."""
    found = facts.flaws(columns) if facts else {}
    present = {flaw: count for flaw, count in found.items() if count}
    return {"flaws": present} if present else {}


def _without_image(columns: Columns) -> dict[str, int]:
    """Return the number of rows without an image, under its key in a certificate; nothing where each has one."""
    count = columns["manifest pixels"].count("")
    return {"without_image": count} if count else {}


def _unasked(facts: SourceFacts | None, columns: Columns) -> dict[str, list[dict[str, Any]]]:
    """Return the bounds without the question, under their key in a certificate; nothing where none are stated."""
    seen = facts.unasked if facts else {}
    found = [balance.bound_of(view, columns[name], columns["answer"]) for view, name in seen.items()]
    return {"unasked": found} if found else {}


def _read_answers(columns: Columns, labels: Sequence[str]) -> list[str]:
    """Return the true answers as read by their formats, e.g. a letter as the option it stands for."""
    rows = zip(columns["answer_format"], columns["answer"], columns["options"], strict=True)
    read = answer_reader()
    return [str(read(name, answer, tuple(options or labels)).label) for name, answer, options in rows]


def _difference(shipped: Any, found: Any, path: str = "") -> str:
    """Return the first entry in which a certificate differs from its rows; "" if there is none."""
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
    if isinstance(value, list | dict):
        return f"{len(value)} entries"
    text = json.dumps(value)
    return text if len(text) <= 60 else text[:50].strip('"') + " ..."
