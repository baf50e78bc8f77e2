"""The comparison of a data set with its specification: its rows are the ones that its source makes from it.

Where rows follow from the specification alone, verification always compares their text; to reproduce a data set is to
compare images too, and to read the files that its source needs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from itertools import zip_longest
from pathlib import Path

from ninefold import images, store
from ninefold.console import track
from ninefold.data.checks.facts import Columns
from ninefold.data.format import manifest
from ninefold.data.format.columns import CORE_COLUMNS
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.catalog import SOURCES
from ninefold.data.sources.protocol import FOUND, Source
from ninefold.errors import DataError, DesignError
from ninefold.specs import needed_paths_of, option, paths_of
from ninefold.types import Example

AGAIN = "make the data set again"


def source_of(data: Dataset, files: Mapping[str, Path | None]) -> Source | None:
    """Return the source of a data set, made from the specification in its manifest; None if it is unknown here.

    Args:
        data: The data set.
        files: The value of each field that holds a path; of a field without one, the name in the manifest.

    Raises:
        DataError: If the manifest's specification is not one of its source, or says something else than its source.
    """
    kind = SOURCES.get(data.source)
    if kind is None:
        return None
    where, spec = data.folder / manifest.FILE, data.manifest.spec
    given = {name: files.get(name) for name in paths_of(kind.spec_type)}
    given |= {name: given[name] or Path(str(spec.get(name, name))) for name in needed_paths_of(kind.spec_type)}
    try:
        source = kind(kind.spec_of({**spec, **given}))
        settings = source.settings()
    except (DesignError, DataError) as error:
        raise DataError(f"{where}: its spec is none of {data.source} ({error}); {AGAIN}") from error
    for name in sorted((spec.keys() | settings.keys()) - {FOUND}):
        said, found = spec.get(name), settings.get(name)
        known = name in spec or name not in _defaults(kind.spec_type)  # a setting that an earlier version did not have
        if known and name not in given and store.canonical_json(said) != store.canonical_json(found):
            raise DataError(f"{where}: spec: {name} is {said!r:.60}, where the rest of it gives {found!r:.60}; {AGAIN}")
    return source


def _defaults(spec_type: type) -> set[str]:
    return {field.name for field in fields(spec_type) if field.default is not MISSING}


def compare(
    data: Dataset, splits: Mapping[str, Columns], source: Source, *, with_images: bool, progress: bool = False
) -> None:
    """Check that every row is the one that its source makes from the specification.

    Args:
        data: The data set.
        splits: Its columns, as `shipped.read_columns` returns them.
        source: The source, from `source_of`.
        with_images: Whether images are made and compared too.
        progress: Whether to show a bar on standard error.

    Raises:
        DataError: If one differs; the message names the row and the column.
    """
    shown = progress and with_images
    for split, index, example in _pairs(data, splits, source, shown=shown):
        columns = splits[split]
        made = {name: getattr(example, name) for name in CORE_COLUMNS if name != "image"} | dict(example.factors)
        made["options"] = list(example.options)
        wrong = next((name for name in made if columns.get(name, [])[index : index + 1] != [made[name]]), None)
        if wrong is None and with_images:
            pixels = images.pixel_hash(images.open_rgb(example.image, name=example.id))
            wrong = None if pixels == columns["manifest pixels"][index] else "image"
        if wrong is not None:
            raise DataError(
                f"{data.folder}: {split}: row {example.id}: broken: its {wrong} is the one that the specification makes"
            )


def _pairs(
    data: Dataset, splits: Mapping[str, Columns], source: Source, *, shown: bool
) -> Iterator[tuple[str, int, Example]]:
    """Yield split and index of each row with the example that the source makes for it.

    Raises:
        DataError: If they are not as many, in the same splits and with the same ids.
    """
    made = source.splits()
    if list(made) != list(splits):
        raise DataError(
            f"{data.folder}: its splits are {', '.join(splits)}, where its specification makes {', '.join(made)}"
        )
    for split, part in made.items():
        examples = track(part.examples, f"{split} examples made again", total=part.total, shown=shown)
        for index, (row, example) in enumerate(zip_longest(splits[split]["id"], examples)):
            where = f"{data.folder}: {split}"
            if example is None:
                raise DataError(f"{where}: row {row}: broken: the specification makes no further row")
            if row is None:
                raise DataError(f"{where}: row {example.id}: broken: the specification makes it, and it is missing")
            if row != example.id:
                raise DataError(f"{where}: row {row}: broken: stands where the specification makes {example.id}")
            yield split, index, example


def needed_files(data: Dataset, files: Mapping[str, Path | None]) -> None:
    """Refuse to reproduce without the files that the source reads.

    Raises:
        DesignError: If a file is not given or not there, or the source is unknown or reads no such file.
        DataError: If the manifest names another file.
    """
    kind = SOURCES.get(data.source)
    if kind is None:
        raise DesignError(f"{data.folder}: its source {data.source!r} is not known here; load it with --plugin FILE")
    needed = files_of(data)
    for name, path in files.items():
        if path is not None and name not in needed:
            raise DesignError(f"{option(name)} {path}: {data.source} data sets are made without; leave it out")
    for name in needed:
        given = files.get(name)
        if given is None and name not in needed_paths_of(kind.spec_type):
            continue
        if given is None:
            raise DesignError(f"{option(name)}: name it, because {data.source} data sets are made from it")
        if not given.exists():
            raise DesignError(f"{option(name)} {given}: no such file or folder")
        said = Path(str(data.manifest.spec.get(name, given))).name
        if said != given.name:
            raise DataError(
                f"{data.folder / manifest.FILE}: says that rows are made from {said}, which {option(name)} {given} is "
                "not; name that file"
            )


def files_of(data: Dataset, *, needed: bool = False) -> tuple[str, ...]:
    """Return the fields of a data set's specification that may, or must, name files; none of an unknown source."""
    kind = SOURCES.get(data.source)
    if kind is None:
        return ()
    return needed_paths_of(kind.spec_type) if needed else paths_of(kind.spec_type)
