"""What training sets share with tests, in words, for the places where figures of these tests are shown."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from ninefold.runs.study import StudiedLeak, StudyRecord
from ninefold.web.wording import count


@dataclass(frozen=True, slots=True)
class Row:
    """A training set and a test that share something, ready to show."""

    condition: str
    """Title of the condition that is trained on it."""
    test: str
    """Title of the test."""
    data: str
    """Folder of the training set."""
    words: str
    """What they share."""


def by_place(record: StudyRecord) -> Mapping[tuple[str, str], str]:
    """Return what training shares with a test, in words, by the names of condition and test; only what is shared."""
    found: dict[tuple[str, str], list[str]] = {}
    for leak in record.leaks or ():
        found.setdefault((leak.condition, leak.test), []).append(_words(leak))
    return {place: "; ".join(words) for place, words in found.items()}


def rows(record: StudyRecord, places: Collection[tuple[str, str]] | None = None) -> list[Row]:
    """Return the training sets and tests that share something.

    Args:
        record: The study.
        places: Names of the conditions and tests that are asked for; None for all.
    """
    conditions = {one.name: one.title for one in record.conditions}
    tests = {one.name: one.title for one in record.tests}
    return [
        Row(conditions.get(one.condition, one.condition), tests.get(one.test, one.test), one.data, _words(one))
        for one in record.leaks or ()
        if places is None or (one.condition, one.test) in places
    ]


def sentence(record: StudyRecord, places: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yield a sentence about the leaks among conditions and tests that are shown together; nothing without any."""
    found = rows(record, places)
    if found:
        told = [f"{one.condition} with {one.test} ({one.words})" for one in found]
        yield f"Training sets that share images or scenes with a test: {'; '.join(told)}."


def _words(leak: StudiedLeak) -> str:
    parts = []
    if leak.images:
        parts.append(f"{count(leak.images)} of {count(leak.test_images)} images")
    if leak.rows:
        parts.append(f"{count(leak.rows)} of {count(leak.test_rows)} rows word for word")
    if leak.scenes:
        parts.append(f"{count(leak.scenes)} scenes")
    return ", ".join(parts)
