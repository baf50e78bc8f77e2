"""Linear probes of hidden states: one-vs-one support-vector machines, cross-validated on one Gram matrix.

A probe is scikit-learn's ``SVC(kernel="linear", C=1)`` on raw features, as in Rizzoli et al. 2025 (section 5.B), and
predicts the same. It is fast because all folds and all pairs of classes share one matrix of inner products, computed by
BLAS; from raw features, libsvm computes them one by one, again for each pair and fold. The pairs are independent
problems, solved side by side on all cores.

Axes: N examples, D width, T training and V test examples of a fold, P pairs of classes, C classes.
"""

import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

PENALTY = 1.0
"""The penalty C of examples on the wrong side of the margin, as in the paper."""

ITERATIONS = 2_000_000
"""Largest number of iterations of a pair's machine. Large states of classes that overlap may need more than anybody
waits for; where inner products differ by less than the rounding of libsvm's cache, it never converges.
"""

DOUBTFUL = 1e-9
"""Largest decision value that rounding may have given its sign, relative to the sum of absolute terms."""


class Predictions(NamedTuple):
    """The predictions of linear probes."""

    labels: NDArray[Any]
    """Predicted label of each example, shape (N,)."""
    unfinished: int
    """Number of machines, of all pairs and folds, that `ITERATIONS` cut off; they predict as far as they came."""

    def accuracies(self, labels: ArrayLike, folds: ArrayLike) -> list[float]:
        """Return the accuracy on each fold, given the true label and the fold of each example."""
        correct, parts = self.labels == np.asarray(labels), np.asarray(folds)
        return [float(correct[parts == fold].mean()) for fold in np.unique(parts)]


@dataclass(frozen=True)
class _Machine:
    """The support-vector machine of a pair of classes, trained for a fold."""

    svc: Any
    """The classifier of scikit-learn; its class 1 is the second class of the pair."""
    rows_T: NDArray[np.int64]
    """The rows it was trained on: the first class of the pair, then the second."""


def predict(states_ND: ArrayLike, labels: ArrayLike, folds: ArrayLike) -> Predictions:
    """Predict the label of each example by a linear probe that was trained on all other folds.

    Args:
        states_ND: Hidden states of one layer, used as they are: neither centered nor scaled.
        labels: Class of each example, shape (N,), at least two.
        folds: Fold of each example, shape (N,) (see `ninefold.analysis.folds`).

    Returns:
        The predictions of ``SVC(kernel="linear", C=1)``. Of classes with equally many votes of pairs, the first in
        sorted order is predicted.
    """
    from sklearn.exceptions import ConvergenceWarning

    labels, folds = np.asarray(labels), np.asarray(folds)
    names, codes = np.unique(labels, return_inverse=True)
    features_ND = np.asarray(states_ND, np.float64)
    # Sums of products of half-precision numbers are (nearly) exact in double precision: hence the same as libsvm's.
    gram_NN = features_ND @ features_ND.T
    pairs = list(combinations(range(len(names)), 2))
    numbers = np.unique(folds).tolist()
    tasks = [(np.flatnonzero(folds != fold), pair) for fold in numbers for pair in pairs]
    with ThreadPoolExecutor(_cores()) as pool, warnings.catch_warnings():
        # Those that are cut off are counted.
        warnings.simplefilter("ignore", ConvergenceWarning)
        machines = list(pool.map(lambda task: _trained(gram_NN, codes, *task), tasks))
    predicted = np.empty(len(codes), np.int64)
    for at, fold in enumerate(numbers):
        of_fold = machines[at * len(pairs) : (at + 1) * len(pairs)]
        rows_V = np.flatnonzero(folds == fold)
        predicted[rows_V] = _votes(gram_NN, rows_V, of_fold, pairs, len(names)).argmax(1)
    return Predictions(names[predicted], sum(machine.svc.fit_status_ for machine in machines))


def memory(examples: int, width: int) -> int:
    """Return the memory in bytes that the probes of one layer need at their peak."""
    # Double precision: the features, the Gram matrix, and its part between a fold and all others.
    return 8 * examples * (width + examples + examples // 2)


def _trained(gram_NN: NDArray[np.float64], codes: NDArray[np.int64], rows: Any, pair: tuple[int, int]) -> _Machine:
    """Return the machine of a pair of classes, trained on the examples of both among ``rows``."""
    from sklearn.svm import SVC

    first, second = (rows[codes[rows] == code] for code in pair)
    rows_T = np.concatenate([first, second])
    svc = SVC(kernel="precomputed", C=PENALTY, max_iter=ITERATIONS)
    svc.fit(gram_NN[rows_T[:, None], rows_T], np.repeat([0, 1], [len(first), len(second)]))
    return _Machine(svc, rows_T)


def _votes(
    gram_NN: NDArray[np.float64],
    rows_V: NDArray[np.int64],
    machines: Sequence[_Machine],
    pairs: Sequence[tuple[int, int]],
    classes: int,
) -> NDArray[np.int64]:
    """Return the number of pairs (V, C) that vote for each class."""
    votes_VC = np.zeros((len(rows_V), classes), np.int64)
    coefficients_NP = np.zeros((len(gram_NN), len(machines)))
    for at, machine in enumerate(machines):
        coefficients_NP[machine.rows_T[machine.svc.support_], at] = machine.svc.dual_coef_[0]
    offsets_P = np.array([machine.svc.intercept_[0] for machine in machines])
    kernel_VN = gram_NN[rows_V]
    decisions_VP = kernel_VN @ coefficients_NP + offsets_P
    # BLAS sums in another order than libsvm: near zero, the sign is that of libsvm's own sum.
    bounds_P = np.abs(kernel_VN).max() * np.abs(coefficients_NP).sum(0) + np.abs(offsets_P)
    doubtful_VP = np.abs(decisions_VP) <= DOUBTFUL * bounds_P
    for at, (machine, (first, second)) in enumerate(zip(machines, pairs, strict=True)):
        is_second_V = decisions_VP[:, at] > 0
        doubtful = np.flatnonzero(doubtful_VP[:, at])
        if len(doubtful):
            is_second_V[doubtful] = machine.svc.predict(kernel_VN[doubtful[:, None], machine.rows_T]) == 1
        votes_VC[np.arange(len(rows_V)), np.where(is_second_V, second, first)] += 1
    return votes_VC


def _cores() -> int:
    """Return the number of cores that this process may use, or fewer if OMP_NUM_THREADS says so."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(available, int(wanted)) if wanted.isdecimal() and int(wanted) else available
