"""The atlas of a study: the maps of every entry, as thumbnails, and as numbers that the page's script draws large."""

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ninefold.analysis.votes import leaders
from ninefold.report.figures import palette
from ninefold.report.figures.labels import LabelSymbol, symbols
from ninefold.report.study import thumbnails
from ninefold.report.study.entries import Entry, EntryMaps, Votes
from ninefold.report.tables import MOST_LABELS
from ninefold.runs.study import BASE
from ninefold.web.wording import count, percent, quantity

STEPS = 100
"""Steps of a color ramp from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Plate:
    """The maps of one entry, ready to draw."""

    anchor: str
    """Name in links."""
    title: str
    """Model, condition and test."""
    test: str
    """Title of the test."""
    accuracy: str
    """Thumbnail of the map of accuracy."""
    change: str
    """Thumbnail of the map of the change; empty for a base."""
    votes: str
    """Thumbnail of the map of votes; empty if there are too many labels."""
    words: Mapping[str, str]
    """What each thumbnail shows, in a sentence."""


@dataclass(frozen=True, slots=True)
class PlateRow:
    """The maps of a model under a condition: one plate for each test, None without maps."""

    model: str
    """Title of the model."""
    condition: str
    """Title of the condition."""
    plates: tuple[Plate | None, ...]
    """One plate for each test that has positions."""


@dataclass(frozen=True, slots=True)
class Atlas:
    """All maps of a study."""

    tests: tuple[str, ...]
    """Titles of the tests that have positions."""
    rows: tuple[PlateRow, ...]
    """One row for each model and condition with maps."""
    labels: Mapping[str, LabelSymbol]
    """The symbol of each label, in canonical order."""
    numbers: str
    """The numbers of all maps, as JSON that is safe within a page."""


def atlas(entries: Iterable[Entry], anchors: Mapping[tuple[str, str, str], str]) -> Atlas:
    """Return the atlas of entries, each known in links by its anchor."""
    shown = [one for one in entries if one.maps is not None]
    labels = list(dict.fromkeys(label for one in shown for label in one.labels))
    signs = symbols(labels) if 0 < len(labels) <= MOST_LABELS else {}
    tests = tuple(dict.fromkeys(one.test.title for one in shown))
    rows: dict[tuple[str, str], dict[str, Plate]] = {}
    for one in shown:
        place = rows.setdefault((one.model.title, one.condition.title), {})
        place[one.test.title] = _plate(one, anchors[one.key], signs)
    return Atlas(
        tests,
        tuple(PlateRow(*names, tuple(plates.get(test) for test in tests)) for names, plates in rows.items()),
        signs,
        _json(_numbers(shown, anchors, signs)),
    )


def _plate(entry: Entry, anchor: str, signs: Mapping[str, LabelSymbol]) -> Plate:
    maps = entry.maps
    assert maps is not None
    words = {"accuracy": _of_accuracy(maps)}
    if maps.change is not None:
        words["change"] = _of_change(maps)
    if signs:
        words["votes"] = _of_votes(maps.votes)
    return Plate(
        anchor,
        f"{entry.model.title}, {entry.condition.title}, {entry.test.title}",
        entry.test.title,
        thumbnails.accuracy_map(maps),
        thumbnails.change_map(maps),
        thumbnails.vote_map(maps.votes, signs) if signs else "",
        words,
    )


def _of_accuracy(maps: EntryMaps) -> str:
    values = maps.accuracy[~np.isnan(maps.accuracy)]
    low, high = percent(float(values.min())), percent(float(values.max()))
    return f"Accuracy by cell: {high} in every cell." if low == high else f"Accuracy by cell: between {low} and {high}."


def _of_change(maps: EntryMaps) -> str:
    assert maps.change is not None
    value, sure = maps.change.value, maps.change.sure
    better, worse = (int((sure & (sign * value > 0)).sum()) for sign in (1, -1))
    return f"Change by cell: {better} of {count(int((maps.n > 0).sum()))} cells better beyond chance, {worse} worse."


def _of_votes(votes: Votes) -> str:
    found = [leaders(one) for row in votes for one in row]
    first: dict[str, int] = {}
    for one in found:
        if len(one) == 1:
            first[one[0]] = first.get(one[0], 0) + 1
    tied = sum(len(one) > 1 for one in found)
    most = sorted(first.items(), key=lambda pair: -pair[1])[:3]
    named = ", ".join(f"{label} in {cells}" for label, cells in most)
    ties = f"; {quantity(tied, 'tie')}" if tied else ""
    return f"Most common answer by cell: {named or 'none'} of {len(found)} cells{ties}."


def _numbers(
    shown: Sequence[Entry], anchors: Mapping[tuple[str, str, str], str], signs: Mapping[str, LabelSymbol]
) -> dict[str, Any]:
    folders = {one.key: one.folders[0] for one in shown}
    found = {}
    for one in shown:
        maps, measured = one.maps, one.measured
        assert maps is not None and measured is not None
        base = (one.model.name, BASE, one.test.name)
        entry: dict[str, Any] = {
            "title": [one.model.title, one.condition.title, one.test.title],
            "mean": percent(measured.accuracy.mean, 1),
            "about": measured.details,
            "seeds": measured.runs,
            "values": [percent(value, 1) for value in measured.accuracy.values],
            "n": maps.n.ravel().tolist(),
            "right": [part.ravel().tolist() for part in maps.right],
            "votes": [_coded(part, signs) for part in (maps.votes, *maps.votes_of_seeds)] if signs else [],
        }
        if maps.change is not None and base in folders and base != one.key:
            entry["base"] = anchors[base]
            entry["command"] = _command(folders[base], one.folders[0])
            entry["sure"] = "".join("1" if sure else "0" for sure in maps.change.sure.ravel())
        found[anchors[one.key]] = entry
    return {
        "maps": found,
        "labels": [
            {
                "name": label,
                "fill": sign.fill,
                "ink": sign.ink,
                "text": sign.text,
                "turn": sign.turn,
                "dot": sign.is_dot,
            }
            for label, sign in signs.items()
        ],
        "accuracy": [palette.accuracy_color(step / STEPS) for step in range(STEPS + 1)],
        "change": [palette.difference_color(step / STEPS) for step in range(-STEPS, STEPS + 1)],
    }


def _command(*folders: str) -> str:
    """Return the command, in the study folder, that shows every example of these runs."""
    return shlex.join(["ninefold", "report", *folders, "--out", "examples.html"])


def _coded(votes: Votes, signs: Mapping[str, LabelSymbol]) -> list[int | list[int]]:
    """Return votes as indices of labels: one number a cell, a list of several for a tie, of none without an answer."""
    index = {label: at for at, label in enumerate(signs)}
    coded = [[index[label] for label in leaders(one) if label in index] for row in votes for one in row]
    return [one[0] if len(one) == 1 else one for one in coded]


def _json(value: Any) -> str:
    """Return a value as JSON in which nothing ends a script element or begins a comment."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
