"""Questions whose answers by several runs are shown side by side, and their examples."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ninefold.data.format.dataset import Dataset
from ninefold.errors import DataError, NinefoldError, RunError
from ninefold.report.test_sets import Evaluation, TestSet
from ninefold.runs.tables import ITEM
from ninefold.seeding import rng
from ninefold.types import Example, ImageSource

QUESTIONS = 12
"""Largest number of questions of a set on which runs differ that are shown."""

ANSWERS = 120
"""Largest number of answers to them, unless these are the answers to one question."""


def differing(right: ArrayLike, most: int) -> list[int]:
    """Return the questions that runs answer most differently, at most ``most``; those answered alike are left out.

    A fixed shuffle breaks ties, so that similar questions beside each other are mixed.

    Args:
        right: The fraction of right answers of each run, shape (runs, questions): 0 or 1, or a mean over seeds.
        most: Largest number of questions.
    """
    spread: NDArray[np.float64] = np.asarray(right, float).var(axis=0)
    order = rng(0, "side by side").permutation(len(spread))
    ranked = order[np.argsort(-spread[order], kind="stable")]
    return [int(at) for at in ranked[:most] if spread[at] > 0]


def limit(runs: int) -> int:
    """Return the number of questions that a set of so many runs shows."""
    return max(1, min(QUESTIONS, ANSWERS // max(runs, 1)))


def chosen(test_set: TestSet, asked: Sequence[str]) -> list[str]:
    """Return the ids of the questions of a set that are shown side by side: those asked for, then those that differ."""
    first = test_set.results[0].run.scores
    named = [name for name in dict.fromkeys(asked) if name in first.index]
    if len(test_set.results) < 2:
        return named
    right = [one.run.scores["correct"].reindex(first.index).to_numpy(bool) for one in test_set.results]
    return list(dict.fromkeys([*named, *first.index[differing(right, limit(len(right)))]]))


def check_asked(sets: Sequence[TestSet], asked: Sequence[str]) -> None:
    """Refuse the id of a question that no run has.

    Raises:
        RunError: If there is one.
    """
    for name in asked:
        if not any(name in one.results[0].run.scores.index for one in sets):
            known = f", such as {sets[0].results[0].run.scores.index[0]!r}" if sets else ""
            raise RunError(
                f"--compare-questions {name}: no run has a question of this id; ids are those of data{known}"
            )


def wanted(folder: Path, split: str, fingerprint: str, ids: set[str]) -> Iterator[Example]:
    """Yield the examples of a data set with these ids, in its order.

    Args:
        folder: Folder of the data set.
        split: Name of the split.
        fingerprint: Fingerprint of the split that was asked.
        ids: Their ids.

    Raises:
        DataError: If the folder is gone, or holds another data set.
    """
    if not folder.is_dir():
        raise DataError(f"the data set is no longer at {folder}")
    data = Dataset.open(folder)
    if data.fingerprint(split) != fingerprint:
        raise DataError(f"{folder} now holds another data set")
    left = len(ids)
    for example in data.read(split) if left else ():
        if example.id in ids:
            yield example
            left -= 1
            if not left:
                return


def of_run(run: Evaluation, ids: set[str]) -> Iterator[Example]:
    """Yield the examples that a run was asked, of these ids.

    Raises:
        DataError: As `wanted` does, or if the run does not say where its data set is.
    """
    if not run.data_folders:
        raise DataError("the run does not say where its data set is")
    data = run.spec["data"]
    yield from wanted(run.data_folders[0], str(data["split"]), data["fingerprint"], ids)


def images_of(test_set: TestSet, ids: Sequence[str]) -> dict[str, ImageSource]:
    """Return the images of a few questions of a set by id; those that are missing are left out."""
    run = test_set.results[0].run
    named = run.scores.loc[list(ids), ITEM if "orders" in run.metrics else "id"]
    try:
        found = {example.id: example.image for example in of_run(run, set(named))}
    except NinefoldError:
        return {}  # The page says why.
    return {name: found[item] for name, item in named.items() if item in found}
