"""The check of a split's rows: that they are the ones whose hashes the dataset folder states.

``certificate.json`` holds the hash of ``manifest.json`` and of every column, ``manifest.json`` the fingerprint of each
split, and ``manifest.parquet`` a hash of each row's text and one of its pixels. Pixels are compared where an image is
decoded (see `ninefold.images.listed`), all else here, before the first row is used.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ninefold import store
from ninefold.data.format import manifest, row_hashes
from ninefold.data.format.columns import CORE_COLUMNS, check_values, opened
from ninefold.data.format.manifest import CERTIFICATE
from ninefold.data.format.row_hashes import ColumnHash, RowHashes, text_hash_of
from ninefold.errors import DataError, FactError, RunError

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset

READ_ROWS = 1000
"""Number of rows that checking keeps in memory."""

_checked: dict[tuple[Path, str], dict[str, list[int]]] = {}
"""The state of each split that this process has checked, by folder and split."""


def check_split(data: "Dataset", split: str) -> None:
    """Check the ids, order, number, text and factors of a split's rows; once in a process, until a file changes.

    Raises:
        FactError: If rows are not those of the manifest or the certificate; the message names the row or the column.
        DataError: If a file is missing or broken, or a value of a column is missing or of another type.
    """
    now = data.state(split)
    key = (data.folder.resolve(), split)
    if _checked.get(key) == now:
        return
    certificate = _certificate(data)
    hashes = row_hashes.Fingerprint()
    columns = _column_hashes(certificate, split)
    for table, listed in _pieces(data, split):
        _check_texts(data, split, table, listed)
        hashes.add(listed)
        _add(columns, table, data, split)
    if hashes.rows != data.manifest.splits[split].rows or hashes.hexdigest() != data.fingerprint(split):
        raise _differs(data, f"{manifest.ROWS}: does not have the fingerprint of {split} in {manifest.FILE}")
    for name, (digest, expected) in columns.items():
        if digest.hexdigest() != expected:
            raise _differs(data, f"{split}: column {name} has not the hash in {CERTIFICATE}")
    _checked[key] = now


def _certificate(data: "Dataset") -> Mapping[str, Any]:
    path = data.folder / CERTIFICATE
    try:
        found: Mapping[str, Any] = store.read_json(path)
    except RunError as error:
        raise DataError(f"{error}; make the data set again") from error
    content = sha256((data.folder / manifest.FILE).read_bytes()).hexdigest()
    if found.get("manifest_sha256") != content:
        raise _differs(data, f"{manifest.FILE}: is not the one that {CERTIFICATE} was made for")
    return found


def _column_hashes(certificate: Mapping[str, Any], split: str) -> dict[str, tuple[ColumnHash, object]]:
    """Return a digest to fill for each column, with the hash that the certificate states."""
    try:
        stated = dict(certificate["splits"][split]["column_hashes"])
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: (ColumnHash(), value) for name, value in stated.items() if not name.startswith("manifest ")}


def _add(columns: Mapping[str, tuple[ColumnHash, object]], table: pa.Table, data: "Dataset", split: str) -> None:
    if set(columns) != set(table.schema.names):
        odd = ", ".join(sorted(set(columns) ^ set(table.schema.names)))
        raise _differs(data, f"{split}: its columns are not those of {CERTIFICATE} (differing: {odd})")
    for name, (digest, _) in columns.items():
        digest.add(table[name].to_pylist())


def _pieces(data: "Dataset", split: str) -> Iterator[tuple[pa.Table, Sequence[RowHashes]]]:
    """Yield a split's rows without their images, in pieces, each with its rows of the manifest.

    Raises:
        FactError: If there are more or fewer rows than the manifest lists.
    """
    rows = row_hashes.read_rows(data.folder, split)
    for shard in data.shards(split):
        with opened(shard, CORE_COLUMNS) as file:
            names = [name for name in file.schema_arrow.names if name != "image"]
            for batch in file.iter_batches(READ_ROWS, columns=names):
                check_values(batch, shard)
                listed = list(islice(rows, batch.num_rows))
                if len(listed) < batch.num_rows:
                    extra = batch["id"][len(listed)]
                    raise _differs(data, f"{split}: row {extra}: in {shard.name} but not in {manifest.ROWS}")
                yield pa.Table.from_batches([batch]), listed
    missing = next(rows, None)
    if missing is not None:
        raise _differs(data, f"{split}: row {missing.id}: in {manifest.ROWS} but not in the data files")


def _check_texts(data: "Dataset", split: str, table: pa.Table, listed: Sequence[RowHashes]) -> None:
    texts = zip(*(table[name].to_pylist() for name in ("question", "prompt", "options", "answer")), strict=True)
    for row, text, expected in zip(table["id"].to_pylist(), texts, listed, strict=True):
        if row != expected.id:
            raise _differs(data, f"{split}: row {row}: stands where {manifest.ROWS} lists {expected.id}")
        if text_hash_of(text) != expected.text:
            raise _differs(data, f"{split}: row {row}: its question, prompt, options or answer is not the manifest's")


def pixels_differ(data: "Dataset", split: str, row: str) -> str:
    """Return the message about a row whose image is not the listed one."""
    return str(_differs(data, f"{split}: row {row}: its image is not the manifest's"))


def _differs(data: "Dataset", what: str) -> FactError:
    return FactError(
        f"{data.folder}: {what}; the data set was changed after it was made: make it again, or see "
        f"`ninefold data verify {data.folder}`"
    )
