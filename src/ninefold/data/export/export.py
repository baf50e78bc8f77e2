"""The export of a data set: a folder in the form of another tool, complete or absent, and the same bytes each time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import Any

from ninefold import store
from ninefold.data.export.catalog import EXPORTERS
from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.export.spec import ExportSpec
from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, RunError
from ninefold.output import Kind, located
from ninefold.runs.lock import locked_output, tidy_output
from ninefold.specs import option
from ninefold.version import __version__

RECORD = "export.json"
"""The file of an export that says what it holds, besides its README.md."""

_OURS = rf"README\.md|{re.escape(RECORD)}|images(/[0-9a-f]{{2}}(/[0-9a-f]{{32}}\.\w+)?)?"
"""Pattern of the files that exports of all forms may have."""


@dataclass(frozen=True)
class Exported:
    """A finished export."""

    folder: Path
    """Its folder."""
    title: str
    """Name of the tool that reads it."""
    rows: Mapping[str, int]
    """The number of its rows by split."""
    skipped: tuple[Mapping[str, Any], ...]
    """The rows left out: ``{"reason": str, "count": int, "names": list}`` each."""
    redrawn: int
    """The number of its image files that are not the stored ones, but PNG files of the same pixels."""


def export(spec: ExportSpec, out: Path, *, overwrite: bool = False) -> Exported:
    """Write a data set in the form of another tool; a finished export of the same rows is left unchanged.

    Args:
        spec: The data set, the form and its options.
        out: The folder to write.
        overwrite: Whether an export of other rows or options is replaced there, or one that was changed; nothing else
            ever is.

    Raises:
        DataError: If the data set cannot be read, the form has no such option, or ``out`` holds something else.
        FactError: If the data set was changed after it was made.
    """
    out = located(out)
    exporter = EXPORTERS[spec.to]
    _check_options(spec, exporter)
    data = Dataset.open(spec.data)
    _check_names(spec, exporter, data)
    asked = _settings(spec, exporter, data)
    if _check_output(out, exporter, asked, spec, overwrite=overwrite):
        tidy_output(out)
        return _exported(out, exporter, store.read_json(out / RECORD))
    with locked_output(out, DataError), store.atomic_folder(out) as fresh:
        rows = Rows(data, spec, exporter, fresh)
        try:
            usage = exporter.write(rows)
            store.write_text(fresh / "README.md", _readme(exporter, rows, usage))
        except OSError as error:
            # The user knows the output, and not the folder that becomes it.
            if str(fresh) in str(error.filename):
                error.filename = str(out)
            raise
        counted = {"rows": rows.counts, "skipped": rows.skips.entries, "redrawn": rows.redrawn}
        record = {"settings": asked, **counted, "files": _files(fresh)}
        store.write_json(fresh / RECORD, record)
        _check_output(out, exporter, asked, spec, overwrite=overwrite)
    return _exported(out, exporter, record)


def _check_options(spec: ExportSpec, exporter: Exporter) -> None:
    for field in fields(spec):
        if field.name not in {"data", "to", "split", *exporter.options} and getattr(spec, field.name) != field.default:
            takers = ", ".join(name for name, each in EXPORTERS.items() if field.name in each.options)
            raise DataError(
                f"{option(field.name)}: not an option of --to {exporter.name}, but of {takers or 'no form'}"
            )


def _check_names(spec: ExportSpec, exporter: Exporter, data: Dataset) -> None:
    """Refuse a split whose file would be the export's own record."""
    split = Path(RECORD).stem
    if split in ([spec.split] if spec.split else data.splits) and re.fullmatch(exporter.files, RECORD):
        raise DataError(f"{data.folder}: its split {split} would be {RECORD}, the record of every export; rename it")


def _settings(spec: ExportSpec, exporter: Exporter, data: Dataset) -> Mapping[str, Any]:
    """Return everything that determines an export, in JSON types."""
    splits = [data.choose_split(spec.split)] if spec.split is not None else data.splits
    options = {name: getattr(spec, name) for name in sorted(exporter.options)}
    return {
        "to": exporter.name,
        "data": data.name,
        "rows": {split: data.fingerprint(split) for split in splits},
        **options,
        **exporter.settings(),
        "version of ninefold": __version__,
    }


def _settings_of(folder: Path) -> Mapping[str, Any] | None:
    """Return the settings that made an export; None for another folder."""
    try:
        found = store.read_json(folder / RECORD).get("settings")
    except (RunError, OSError):
        return None
    return found if isinstance(found, dict) and found.get("to") in EXPORTERS else None


def _check_output(
    out: Path, exporter: Exporter, asked: Mapping[str, Any], spec: ExportSpec, *, overwrite: bool
) -> bool:
    """Return whether a finished export of these settings is there; refuse a path at which something would be lost."""
    there = _settings_of(out)
    made_by = exporter if there is None else EXPORTERS[there["to"]]
    kind = Kind("folder of exported rows", re.compile(f"{_OURS}|{made_by.files}"), _settings_of)
    if not kind.check(out, asked, overwrite=overwrite, inputs=[spec.data]):
        return False
    return kind.is_unchanged(out, store.read_json(out / RECORD).get("files"), _files(out), overwrite=overwrite)


def _files(folder: Path) -> Mapping[str, int]:
    """Return the number and the total size in bytes of an export's files, without its record."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.name != RECORD]
    return {"number": len(sizes), "bytes": sum(sizes)}


def _exported(folder: Path, exporter: Exporter, record: Mapping[str, Any]) -> Exported:
    return Exported(folder, exporter.title, record["rows"], tuple(record["skipped"]), record["redrawn"])


def _readme(exporter: Exporter, rows: Rows, usage: Usage) -> str:
    """Return the README.md of an export."""
    splits = " and ".join(f"{count:,} rows of split `{split}`" for split, count in rows.counts.items())
    front = f"---\n{usage.front_matter}\n---\n\n" if usage.front_matter else ""
    left_out = "".join(
        f"\nLeft out, {entry['reason'].replace('<', '&lt;')}: {entry['count']:,} "
        f"({', '.join(map(escape, entry['names']))}{', ...' if entry['count'] > len(entry['names']) else ''}).\n"
        for entry in rows.skips.entries
    )
    redrawn = (
        f"\n{rows.redrawn:,} images are PNG files of the stored pixels, because tools read the stored ones differently "
        "(rotation in EXIF, transparency, animation, rare formats).\n"
        if rows.redrawn
        else ""
    )
    return (
        f"{front}# {escape(rows.data.name)}, for {exporter.title}\n\n"
        f"{splits}; `ninefold export` of ninefold {__version__} wrote them in the form `{exporter.name}`. "
        "Prompts, answers and images are those of the data set, unchanged.\n"
        f"{left_out}{redrawn}\n{usage.text.strip()}\n"
    )
