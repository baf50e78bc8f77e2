import numpy as np
import pytest
from sklearn.svm import SVC

from ninefold.analysis import folds, probing
from ninefold.errors import DataError
from ninefold.space import LABELS


def raw(states, labels, parts):
    """Return the predictions of SVC on raw features."""
    found = np.empty_like(labels)
    for fold in np.unique(parts):
        probe = SVC(kernel="linear", C=1).fit(states[parts != fold], labels[parts != fold])
        found[parts == fold] = probe.predict(states[parts == fold])
    return found


def planted(seed, width, classes=LABELS, noise=1.0, examples=180):
    """Return half-precision states of classes of unequal sizes, and their labels."""
    generator = np.random.default_rng(seed)
    shares = generator.dirichlet(np.full(len(classes), 3))
    labels = np.array([*classes * 4, *generator.choice(classes, examples - 4 * len(classes), p=shares)])
    means = dict(zip(classes, generator.normal(size=(len(classes), width)), strict=True))
    states = np.array([means[label] for label in labels]) + noise * generator.normal(size=(len(labels), width))
    return states.astype(np.float16).astype(float), labels


@pytest.mark.parametrize(
    ("width", "change"),
    [
        (200, lambda states: states),
        (8, lambda states: states),  # not separable
        (3, np.round),  # many decision values that are exactly zero, and ties of votes
        (2, np.sign),
        (40, lambda states: 300 * states),
        (20, lambda states: np.concatenate([states[:90]] * 2)),  # duplicates, some of another class
    ],
)
def test_predictions_are_those_of_svc(width, change):
    states, labels = planted(width, width)
    states = change(states)
    parts = folds.stratified(list(labels), [""] * len(labels), 3)
    expected = raw(states, labels, parts)
    found = probing.predict(states, labels, parts)
    assert (found.labels == expected).all()
    assert found.unfinished == 0
    right = [np.mean((expected == labels)[parts == fold]) for fold in range(3)]
    assert found.accuracies(labels, parts) == pytest.approx(right)


def test_two_classes_are_one_pair():
    states, labels = planted(0, 5, classes=("left", "right"), noise=3, examples=60)
    parts = np.arange(60) % 3
    assert (probing.predict(states, labels, parts).labels == raw(states, labels, parts)).all()


def test_machines_that_do_not_converge_are_cut_off_and_counted(monkeypatch):
    # Classes that overlap, in units for which the penalty is nearly infinite.
    states, labels = planted(0, 2, classes=("left", "right"), noise=3, examples=60)
    monkeypatch.setattr(probing, "ITERATIONS", 1000)
    found = probing.predict(1e5 * states, labels, np.arange(60) % 3)
    assert found.unfinished == 3
    assert set(found.labels) <= {"left", "right"}


def test_folds_hold_equal_parts_of_every_class_and_of_every_kind_within_it():
    classes = [label for label in LABELS for _ in range(36)]
    kinds = ["red square", "blue star"] * 162
    found = folds.stratified(classes, kinds, 3, seed=1)
    counts = np.zeros((3, 9, 2), int)
    np.add.at(counts, (found, [LABELS.index(name) for name in classes], [kinds.index(kind) for kind in kinds]), 1)
    assert (counts == 6).all()
    assert (found != folds.stratified(classes, kinds, 3, seed=2)).any()
    assert (found == folds.stratified(classes, kinds, 3, seed=1)).all()
    # Whatever the counts, none differs by more than one.
    uneven = folds.stratified(classes[:-5], kinds[:-5], 3)
    counts = np.zeros((3, 9), int)
    np.add.at(counts, (uneven, [LABELS.index(name) for name in classes[:-5]]), 1)
    assert np.ptp(counts, axis=0).max() <= 1


def test_questions_about_one_photo_share_a_fold_and_classes_are_balanced():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 500, 1000)
    classes = generator.choice(LABELS, 1000, p=generator.dirichlet(np.full(9, 2)))
    found = folds.grouped(list(classes), list(groups), 3)
    assert len({*zip(groups, found, strict=True)}) == len(set(groups))
    for label in LABELS:
        counts = np.bincount(found[classes == label], minlength=3)
        assert counts.max() - counts.min() <= max(2, 0.1 * counts.sum())
    assert np.ptp(np.bincount(found)) <= 10


@pytest.mark.parametrize(
    ("classes", "groups", "message"),
    [
        (["left"] * 9 + ["right"] * 2, None, "class 'right': 2 examples for 3 folds"),
        (["left"] * 9, None, "1 class of answers"),
        (["left", "right"] * 6, [1, 1, 2, 2] + [3] * 8, None),
        (["left", "right"] * 6, [1, 1] * 6, "1 group for 3 folds"),
    ],
)
def test_classes_that_cannot_be_divided_are_refused(classes, groups, message):
    def divide():
        return folds.stratified(classes, classes, 3) if groups is None else folds.grouped(classes, groups, 3)

    if message is None:
        assert set(divide()) == {0, 1, 2}
        return
    with pytest.raises(DataError, match=message):
        divide()
