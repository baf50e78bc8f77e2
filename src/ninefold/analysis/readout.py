"""Linear readout: a linear classifier of features by ridge regression, in closed form, without randomness.

Axes: N training and V validation examples, D features, C classes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PENALTIES = 10.0 ** np.arange(-6, 3)
"""Penalties of large weights that are tried, relative to the mean squared norm of the training examples."""


@dataclass(frozen=True)
class Readout:
    """A linear classifier: the class with the largest value is predicted."""

    weights_DC: NDArray[np.float32]
    """Weights."""
    offsets_C: NDArray[np.float32]
    """Values at features of zero."""

    def values(self, features_ND: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the value (N, C) of each class."""
        found: NDArray[np.float32] = features_ND @ self.weights_DC + self.offsets_C
        return found

    def loss(self, features_ND: NDArray[np.float32], classes_N: NDArray[np.int64]) -> float:
        """Return the mean squared difference between values and truth, which is 1 for the right class, 0 elsewhere."""
        return float(np.square(self.values(features_ND) - np.eye(len(self.offsets_C))[classes_N]).mean())


def fit(
    train_ND: NDArray[np.float32],
    classes_N: NDArray[np.int64],
    validation_VD: NDArray[np.float32],
    classes_V: NDArray[np.int64],
    classes: int,
) -> Readout:
    """Return the classifier of least squares with the penalty of `PENALTIES` that gives the least validation loss.

    Args:
        train_ND: Features of the training examples.
        classes_N: Their classes, from 0.
        validation_VD: Features of the validation examples.
        classes_V: Their classes.
        classes: Number of classes C.
    """
    middle_D = train_ND.mean(0)
    centered_ND = train_ND - middle_D
    truth_NC = np.eye(classes)[classes_N]
    share_C = truth_NC.mean(0)
    # There are fewer examples than features: the weights are combinations of examples, found from inner products.
    found_N, vectors_NN = np.linalg.eigh((centered_ND @ centered_ND.T).astype(np.float64))
    along_NC = vectors_NN.T @ (truth_NC - share_C)
    scale = float(np.maximum(found_N, 0).mean()) or 1.0
    fitted = []
    for penalty in PENALTIES * scale:
        combined_NC = vectors_NN @ (along_NC / (np.maximum(found_N, 0) + penalty)[:, None])
        weights_DC = centered_ND.T @ combined_NC.astype(np.float32)
        fitted.append(Readout(weights_DC, (share_C - middle_D @ weights_DC).astype(np.float32)))
    return min(fitted, key=lambda readout: readout.loss(validation_VD, classes_V))
