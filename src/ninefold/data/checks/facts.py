"""Facts: statements that must hold for every single row of a data set, checked on the columns of its files.

The facts here hold for any data set: its options, prompts and answers. All others (the meaning of a column such as
region or slot, the content of an image) are stated by the source of the rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DataError
from ninefold.questions.catalog import FORMATS, misread, unknown
from ninefold.types import Answer

Columns = dict[str, list[Any]]
"""A table by column; every list has one value per row."""


class Fact(NamedTuple):
    """A statement that holds for every row."""

    sentence: str
    """The fact in words, as the certificate states it."""
    columns: tuple[str, ...]
    """The columns that it concerns; a row that lacks one of them breaks it."""
    holds: Callable[..., bool]
    """A function of one row's values: whether the statement holds."""


class ImageCheck(Protocol):
    """The check of a source's claims about decoded images; one for each split, within which it compares images."""

    columns: tuple[str, ...]
    """The columns that describe an image."""
    sentences: tuple[str, ...]
    """The claims in words."""

    def broken(self, rgb: NDArray[np.uint8], row: Mapping[str, Any]) -> str:
        """Return the claim that an image breaks, or "".

        Args:
            rgb: (H, W, 3) pixels.
            row: The values of `columns` in its row.
        """
        ...


class NoImageCheck:
    """The check of a source without claims about its images."""

    columns: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()

    def broken(self, rgb: NDArray[np.uint8], row: Mapping[str, Any]) -> str:
        """Return ""."""
        return ""


def _no_more(columns: Columns, where: str) -> Columns:
    return columns


def _no_flaws(columns: Columns) -> dict[str, int]:
    return {}


@dataclass(frozen=True)
class SourceFacts:
    """All facts that a source states about its rows."""

    rows: Sequence[Fact] = ()
    """Facts of each row."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """Values that the manifest has for these rows, by field."""
    images: Callable[[], ImageCheck] = NoImageCheck
    """Maker of the check of a split's images."""
    prepare: Callable[[Columns, str], Columns] = field(default=_no_more)
    """A function that adds derived columns, such as a parsed scene, to a split's columns; its second argument names the
    split in errors."""
    flaws: Callable[[Columns], dict[str, int]] = field(default=_no_flaws)
    """A function of a split's columns: the flaws that rows have on purpose, as ends of a sentence about them, with the
    number of rows; none for most sources."""
    unasked: Mapping[str, str] = field(default_factory=dict)
    """What a reader may see without the question, with the column that tells one from another: the certificate bounds
    how often one answer for each, such as for each photo, is right."""


LISTED = "the decoded image is the one of the manifest"
"""The fact of any image."""


def need(columns: Columns, names: Sequence[str], where: str, why: str = "the source of these rows") -> None:
    """Raise a `DataError` if a split lacks a column."""
    missing = [name for name in names if name not in columns]
    if missing:
        raise DataError(f"{where}: column missing: {', '.join(missing)}; it is needed for: {why}")


def general_facts(labels: Sequence[str]) -> tuple[Fact, ...]:
    """Return the facts of any data set; ``labels`` are its answers, if they are the same for all rows."""
    tells_apart, read = _as_themselves(), answer_reader()
    return (
        Fact("the id is not empty", ("id",), lambda name: bool(name.strip())),
        Fact(
            "the options are all different", ("options",), lambda options: len(set(options or ())) == len(options or ())
        ),
        Fact(
            "the prompt holds the question and after it the options, or within it, in their order",
            ("prompt", "question", "options"),
            _asked_and_offered,
        ),
        Fact(
            "each option, or label of the data set, is read as itself in the row's format",
            ("options", "answer_format"),
            lambda options, name: tells_apart(name, tuple(options or labels)),
        ),
        Fact(
            "the answer is one of the options, or of the labels of the data set, as its format reads it",
            ("answer", "options", "answer_format"),
            lambda answer, options, name: _is_offered(read(name, answer, tuple(options or labels)), options),
        ),
    )


def _as_themselves() -> Callable[[str, Sequence[str]], bool]:
    """Return a function of a format and options: whether each option is read as itself; it asks once for each pair."""
    return cache(lambda name, options: misread(FORMATS[name], options) is None)


def answer_reader() -> Callable[[str, str, tuple[str, ...]], Answer]:
    """Return a function of a format's name, a stored answer and its options: how the format reads it.

    Many rows have the same ones: what was read lately is remembered.
    """
    return lru_cache(4096)(lambda name, answer, options: FORMATS[name].read(answer, options))


def _is_offered(read: Answer, options: Sequence[str]) -> bool:
    return read.kind == "label" and (not options or read.label in options)


def _asked_and_offered(prompt: str, question: str, options: Sequence[str]) -> bool:
    _, found, after = prompt.partition(question)
    return bool(found) and (_in_order(after, options) or _in_order(question + after, options))


def _in_order(text: str, options: Sequence[str]) -> bool:
    start = 0
    for option in options:
        start = text.find(option, start) + len(option)
        if start < len(option):
            return False
    return True


def check_formats(columns: Columns, where: str) -> None:
    """Check that the answer format of every row is known.

    Raises:
        DataError: If it is not.
    """
    for row_id, name in zip(columns["id"], columns["answer_format"], strict=True):
        if not isinstance(name, str):
            raise DataError(f"{where}: row {row_id}: its answer_format is {name!r}, not a name")
        if name not in FORMATS:
            raise DataError(f"{where}: row {row_id}: {unknown('answer format', name, FORMATS)}")


def check_rows(columns: Columns, facts: Sequence[Fact], where: str) -> list[dict[str, Any]]:
    """Check facts on every row.

    Args:
        columns: A split's columns, prepared for the facts.
        facts: The facts to check.
        where: The split's name in an error.

    Returns:
        The facts, each with the number of rows checked.

    Raises:
        DataError: If a fact does not hold; the message names the fact and the row.
    """
    stated = []
    for fact in facts:
        need(columns, fact.columns, where, fact.sentence)
        values = zip(*(columns[name] for name in fact.columns), strict=True)
        for row_id, row in zip(columns["id"], values, strict=True):
            if not _holds(fact, row):
                raise DataError(f"{where}: row {row_id}: broken: {fact.sentence}")
        stated.append({"fact": fact.sentence, "rows": len(columns["id"])})
    return stated


def _holds(fact: Fact, row: Sequence[Any]) -> bool:
    try:
        return fact.holds(*row)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, ZeroDivisionError):
        return False  # a value of the wrong type counts as a broken row
