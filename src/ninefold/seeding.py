"""The only source of random generators: a seed and keys name each stream; different names, independent streams."""

import hashlib

import numpy as np


def seed_sequence(seed: int, *keys: int | str) -> np.random.SeedSequence:
    """Return the seed sequence of a named stream of random numbers.

    Words become integers by a fixed hash: a stream is the same on every machine and in every process.

    Args:
        seed: The user's seed, non-negative.
        keys: The purpose of the stream, e.g. ``"train", 17``. Integers are used as they are.

    Returns:
        ``SeedSequence(entropy=seed, spawn_key=keys)``.
    """
    return np.random.SeedSequence(entropy=seed, spawn_key=tuple(_integer(key) for key in keys))


def rng(seed: int, *keys: int | str) -> np.random.Generator:
    """Return the generator of the stream that ``seed`` and ``keys`` name (PCG64 over ``seed_sequence``)."""
    return np.random.Generator(np.random.PCG64(seed_sequence(seed, *keys)))


def _integer(key: int | str) -> int:
    if isinstance(key, int):
        return key
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big")
