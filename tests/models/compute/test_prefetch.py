"""Prefetching gives what a loop gives, in its order, in bounded memory, and leaves torch's threads as they were."""

import threading
import time

import pytest
import torch

from ninefold.models.compute.prefetch import prefetch


def test_results_come_in_the_order_of_their_items() -> None:
    def slow_first(item: int) -> int:
        time.sleep(0.02 if item == 0 else 0)
        return item * item

    assert list(prefetch(slow_first, range(20))) == [item * item for item in range(20)]


def test_items_are_read_a_little_ahead_of_their_use() -> None:
    read = []

    def items() -> object:
        for item in range(1000):
            read.append(item)
            yield item

    results = prefetch(str, items())
    assert next(results) == "0"
    assert len(read) <= 2 * torch.get_num_threads() + 2
    results.close()


def test_each_thread_computes_on_one_core_and_torch_is_left_as_it_was() -> None:
    before = torch.get_num_threads()
    found = set(prefetch(lambda _: (torch.get_num_threads(), threading.current_thread().name), range(8)))
    assert {threads for threads, _ in found} == {1}
    assert threading.current_thread().name not in {name for _, name in found}
    assert torch.get_num_threads() == before


def test_an_error_is_raised_where_its_result_is_due() -> None:
    results = prefetch(lambda item: 1 / item, [2, 1, 0, 4])
    assert [next(results), next(results)] == [0.5, 1.0]
    with pytest.raises(ZeroDivisionError):
        next(results)
