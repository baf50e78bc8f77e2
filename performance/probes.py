"""Measure linear probes of hidden states against scikit-learn's `SVC(kernel="linear", C=1)` on the same features.

    python performance/probes.py

The features of one layer are random, with a mean for each class, stored as hidden states are: in half precision. Both
predict all examples in 3 folds of the synthetic test set's size, alternating; the times are multiplied by the number of
layers. Prints the ratio, and how many predictions agree.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable

import numpy as np
from sklearn.svm import SVC

from ninefold.analysis import folds, probing
from ninefold.space import LABELS


def raw(states: np.ndarray, labels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the predictions of SVC on raw features, one fit per fold."""
    found = np.empty_like(labels)
    for fold in np.unique(parts):
        probe = SVC(kernel="linear", C=1).fit(states[parts != fold], labels[parts != fold])
        found[parts == fold] = probe.predict(states[parts == fold])
    return found


def ninefold(states: np.ndarray, labels: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Return the predictions of ninefold's probes."""
    return probing.predict(states, labels, parts).labels


def timed(work: Callable[..., np.ndarray], *arguments: np.ndarray) -> tuple[tuple[float, float], np.ndarray]:
    """Return the seconds of a function and the processor time of all threads, and its result."""
    begun, worked = time.perf_counter(), time.process_time()
    found = work(*arguments)
    return (time.perf_counter() - begun, time.process_time() - worked), found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=3888)
    parser.add_argument("--width", type=int, default=3584)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--signal", type=float, default=0.05, help="sd of the means of classes; that of noise is 1")
    parser.add_argument("--turns", type=int, default=2)
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    labels = np.resize(LABELS, options.examples)
    size = options.examples, options.width
    means = options.signal * generator.normal(size=(len(LABELS), options.width))
    states = (np.resize(means, size) + generator.normal(size=size)).astype(np.float16)
    parts = folds.stratified(labels.tolist(), [""] * options.examples, 3)
    print(f"{options.examples:,} examples x {options.width:,}, {len(LABELS)} classes, 3 folds, {os.cpu_count()} cores")
    taken: dict[str, list[tuple[float, float]]] = {"SVC on raw features": [], "ninefold": []}
    for _ in range(options.turns):
        fast, ours = timed(ninefold, states, labels, parts)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        slow, theirs = timed(raw, states, labels, parts)
        taken["ninefold"].append(fast)
        taken["SVC on raw features"].append(slow)
    typical = {name: np.median(found, 0) for name, found in taken.items()}
    for name, (seconds, processor) in typical.items():
        whole, ratios = seconds * options.layers, typical["SVC on raw features"] / typical[name]
        print(
            f"{name}: {seconds:.2f} s a layer ({processor:.2f} s of processor time), {whole:.0f} s for "
            f"{options.layers} layers; ratio {ratios[0]:.1f} ({ratios[1]:.1f})"
        )
    print(f"accuracy {np.mean(ours == labels):.3f}; {np.sum(ours == theirs):,} of {len(labels):,} predictions agree")
    print(f"peak memory of ninefold, features included: {peak:,.0f} MiB")


if __name__ == "__main__":
    main()
