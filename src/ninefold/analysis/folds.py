"""Folds of a cross-validation: stratified, so that each holds its share of every class; reproducible from a seed.

Every fold is the test set of one probe and part of the training set of all others.
"""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DataError
from ninefold.seeding import rng

Folds = NDArray[np.int64]
"""The fold of each example, from 0, shape (examples,)."""


def stratified(classes: Sequence[str], kinds: Sequence[Hashable], folds: int, *, seed: int = 0) -> Folds:
    """Return folds stratified by class, and by kind of object within each class.

    Each class, and each kind within a class, is divided among the folds with counts that differ by at most one; so are
    all examples together.
    Sizes divisible by the number of folds give equal counts, as in Rizzoli et al. 2025 (section 5.B).

    Args:
        classes: Class of each example.
        kinds: Kind of object of each example, such as "red square"; equal values if there are none.
        folds: Number of folds.
        seed: Seed of the assignment.

    Raises:
        DataError: If there are fewer than two classes, or a class has fewer examples than folds.
    """
    _check(classes, range(len(classes)), folds, "example")
    shuffled = rng(seed, "folds").permutation(len(classes))
    # Dealt to the folds in turn, by class and kind, and in random order within each.
    order = sorted(map(int, shuffled), key=lambda row: (classes[row], str(kinds[row])))
    found = np.empty(len(classes), np.int64)
    found[order] = np.arange(len(order)) % folds
    return found


def grouped(classes: Sequence[str], groups: Sequence[Hashable], folds: int, *, seed: int = 0) -> Folds:
    """Return folds stratified by class that never divide a group, such as all questions about one photo.

    Groups are assigned one by one, large ones first, in random order among equals: each to the fold that holds the
    smallest fraction of the group's classes so far.

    Args:
        classes: Class of each example.
        groups: Group of each example.
        folds: Number of folds.
        seed: Seed of the assignment.

    Raises:
        DataError: If there are fewer than two classes, a class occurs in fewer groups than there are folds, or all
            examples of a class end up in one fold.
    """
    _check(classes, groups, folds, "example" if len(set(groups)) == len(groups) else "group")
    names, codes = np.unique(np.asarray(classes), return_inverse=True)
    places = {group: place for place, group in enumerate(dict.fromkeys(groups))}
    owners = np.array([places[group] for group in groups])
    counts = np.zeros((len(places), len(names)), np.int64)
    np.add.at(counts, (owners, codes), 1)
    weights = 1 / counts.sum(0) ** 2
    order = rng(seed, "folds").permutation(len(places))
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    held = np.zeros((folds, len(names)), np.int64)
    chosen = np.empty(len(places), np.int64)
    for group in order:
        # The increase of the sum of squared fractions; among equal ones, the fold with the fewest examples.
        increase = held @ (counts[group] * weights)
        chosen[group] = np.lexsort((held.sum(1), increase))[0]
        held[chosen[group]] += counts[group]
    alone = (held > 0).sum(0) < 2
    if alone.any():
        raise DataError(
            f"class {names[alone][0]!r}: all of its examples fall into one of {folds} folds, because photos are never "
            "divided; use more examples"
        )
    found: Folds = chosen[owners]
    return found


def _check(classes: Sequence[str], units: Sequence[Hashable], folds: int, of: str) -> None:
    """Refuse classes with fewer units, examples or groups, than there are folds."""
    members: dict[str, set[Hashable]] = {}
    for name, unit in zip(classes, units, strict=True):
        members.setdefault(name, set()).add(unit)
    if len(members) < 2:
        raise DataError(f"{len(members)} class of answers: a probe needs at least two; use more examples")
    name, least = min(members.items(), key=lambda item: (len(item[1]), item[0]))
    if len(least) < folds:
        found = f"{len(least)} {of}{'' if len(least) == 1 else 's'}"
        raise DataError(
            f"class {name!r}: {found} for {folds} folds; a probe needs at least one in each: use more examples, or "
            "fewer --folds"
        )
