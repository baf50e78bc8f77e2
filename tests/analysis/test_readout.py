"""The linear readout is the ridge regression of scikit-learn, with the penalty that validation chooses."""

import numpy as np
from sklearn.linear_model import Ridge

from ninefold.analysis import readout
from ninefold.seeding import rng


def test_it_is_ridge_regression_with_the_best_penalty() -> None:
    random = rng(0, "readout")
    features, classes = random.normal(size=(40, 60)).astype(np.float32), random.integers(0, 3, 40)
    features[:, :3] += 3 * np.eye(3, dtype=np.float32)[classes]
    train, validation = slice(0, 30), slice(30, 40)
    found = readout.fit(features[train], classes[train], features[validation], classes[validation], 3)
    centered = features[train] - features[train].mean(0)
    scale = np.square(centered).sum() / len(centered)
    models = [Ridge(alpha).fit(features[train], np.eye(3)[classes[train]]) for alpha in readout.PENALTIES * scale]
    losses = [
        float(np.square(one.predict(features[validation]) - np.eye(3)[classes[validation]]).mean()) for one in models
    ]
    best = models[int(np.argmin(losses))]
    assert np.allclose(found.values(features), best.predict(features), atol=1e-3)
    assert np.isclose(found.loss(features[validation], classes[validation]), min(losses), atol=1e-4)
    assert 0 < int(np.argmin(losses)) < len(losses) - 1
