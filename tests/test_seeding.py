from itertools import product

import numpy as np

from ninefold.seeding import rng, seed_sequence


def test_the_test_vector_of_the_reference():
    state = seed_sequence(0, 0, 0).generate_state(2, np.uint64)
    assert state.tolist() == [2635072618980576772, 8565498584995198975]


def test_words_name_the_same_stream_everywhere():
    assert rng(0, "distractors", "test", 17).integers(1000, size=3).tolist() == [327, 89, 970]
    assert rng(0, "distractors").integers(1 << 62) != rng(0, "orders").integers(1 << 62)


def test_streams_of_adjacent_seeds_share_nothing():
    names = product((42, 43), ("train", "test"), range(500))
    assert len({seed_sequence(*name).generate_state(2, np.uint64).tobytes() for name in names}) == 2000
