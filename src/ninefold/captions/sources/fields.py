"""The fields that a file's captions, ids and images are read from: named by the user, or those of a known corpus."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from ninefold import console
from ninefold.captions.sources.corpora import Corpus, corpus_of
from ninefold.captions.sources.objects import OBJECTS
from ninefold.captions.sources.rows import TEXT, Row, Table, value_at
from ninefold.captions.spec import CaptionsIn
from ninefold.errors import DataError

_SAMPLE = 20
_SEARCHED = 1000
_SHOWN = 20


@dataclass(frozen=True)
class Fields:
    """Where in the rows of a file everything is."""

    text: str
    """Field of the caption."""
    id: tuple[str, ...]
    """Fields of the id, joined by slashes; none if ids are those of rows."""
    image: str | None
    """Field of the image; None if there is none."""
    corpus: Corpus | None
    """The corpus of the file; None if it is of no known one."""
    wanted: frozenset[str]
    """The fields to read."""


def fields_of(table: Table, spec: CaptionsIn) -> Fields | None:
    """Return the fields to read from a file; None if it has no rows.

    Those that the user does not name are taken from the corpus, where the file is of a known one and the caption is in
    its field.

    Raises:
        DataError: If a named field is not there, or the caption's is of no text; or if it is not named and the file is
            of no known corpus.
    """
    kinds = table.fields()
    if not kinds:
        return None
    named = {"--text-field": spec.text_field, "--id-field": spec.id_field, "--image-field": spec.image_field}
    for option, field in named.items():
        if field is not None and field not in kinds:
            _check_there(table, field, option, kinds)
    corpus = corpus_of(kinds, spec.text_field)
    text = spec.text_field or (corpus.text if corpus else None)
    if text is None:
        raise DataError(
            f"{table.path}: of no known corpus; name the field of its captions{_likely(table, kinds)}"
            f" (its fields are {_listed(kinds)})"
        )
    ids = (spec.id_field,) if spec.id_field else corpus.id if corpus else ()
    image = spec.image_field or (corpus.image if corpus else None)
    if spec.images is not None and image is None:
        raise DataError(
            f"{table.path}: of no known corpus; name the field of its images with --image-field, or leave out --images"
            f" (its fields are {_listed(kinds)})"
        )
    if spec.exclude and image is None:
        unknown = f"{table.path}: --exclude knows images by their field; name it with --image-field"
        if not ids:
            raise DataError(f"{unknown} (its fields are {_listed(kinds)})")
        console.warn(f"{unknown}, or only ids of captions are compared with the lists")
    _check_text(table, text, kinds, "text")
    _check_text(table, image, kinds, "file names, ids or URLs")
    used = (text, image, *ids, *(corpus.id if corpus else ()), OBJECTS)
    return Fields(text, ids, image, corpus, frozenset(filter(None, used)))


def _check_there(table: Table, field: str, option: str, kinds: Mapping[str, str]) -> None:
    # A field may be absent from the first rows alone, or stand deeper in them than the fields listed.
    sample = (row for row in table.rows({field}) if isinstance(row, Row))
    if any(value_at(row.values, field) is not None for row in islice(sample, _SEARCHED)):
        return
    near = get_close_matches(field, kinds, n=1, cutoff=0.4)
    lower = [name for name in kinds if name.lower() == field.lower()]
    meant = "".join(f"; did you mean {name!r}?" for name in (lower or near)[:1])
    raise DataError(f"{table.path}: no field {field!r} ({option}); its fields are {_listed(kinds)}{meant}")


def _check_text(table: Table, field: str | None, kinds: Mapping[str, str], needed: str) -> None:
    kind = kinds.get(field or "", "")
    is_number = needed != "text" and "int" in kind and "<" not in kind
    if kind not in ("", TEXT) and not is_number:
        raise DataError(f"{table.path}: field {field!r} holds {kind}, not {needed}; its fields are {_listed(kinds)}")


def _likely(table: Table, kinds: Mapping[str, str]) -> str:
    """Return the option that names the field with most words in the first rows; "" if no field has words."""
    texts = [name for name, kind in kinds.items() if kind in ("", TEXT)]
    words = dict.fromkeys(texts, 0)
    rows = (row.values for row in table.rows(texts) if isinstance(row, Row))
    for values in islice(rows, _SAMPLE):
        for name in texts:
            value = value_at(values, name)
            words[name] += value.strip().count(" ") if isinstance(value, str) else 0
    likely = max(texts, key=words.__getitem__, default="")
    return f", such as --text-field {likely!r}" if words.get(likely) else " with --text-field"


def _listed(kinds: Iterable[str]) -> str:
    """Return the names of the outermost fields, or of the first of them."""
    inner = {name for name in kinds if any(name.startswith(f"{other}.") for other in kinds)}
    names = [name for name in kinds if name not in inner]
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
