"""The revision of the data that a task of lmms-eval read: a commit on the hub, or a hash of local files."""

from collections.abc import Collection
from pathlib import Path

from ninefold import store

_DATA = {".parquet", ".json", ".jsonl", ".arrow", ".csv", ".tsv"}


def revision(data: str | None, folder: Path | None) -> str | None:
    """Return the revision of a data set; None if it is unknown.

    Args:
        data: The task's ``dataset_path``: a hub name, or a local builder such as "parquet".
        folder: The folder in which lmms-eval looked for data sets and tasks first; None for none.
    """
    if data is None:
        return None
    local = None if folder is None else folder / data if (folder / data).is_dir() else folder
    if local is not None and (local != folder or "/" not in data):
        return f"files {store.content_id(hashes(local, _DATA))}"
    return _commit(data)


def hashes(folder: Path, suffixes: Collection[str] | None = None) -> list[tuple[str, str]]:
    """Return the path below a folder and the hash of each of its files, or of those whose names end in some suffix."""
    return [
        (str(path.relative_to(folder)), store.file_hash(path))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and (suffixes is None or path.suffix in suffixes)
    ]


def _commit(data: str) -> str | None:
    """Return the commit of a data set in the hub's cache on this machine."""
    from huggingface_hub import constants

    reference = Path(constants.HF_HUB_CACHE) / f"datasets--{data.replace('/', '--')}" / "refs" / "main"
    return reference.read_text(encoding="utf-8").strip() if reference.is_file() else None
