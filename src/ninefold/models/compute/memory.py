"""A batch size that adapts to memory: halved when a forward pass runs out of it."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import torch

from ninefold.console import warn
from ninefold.errors import ModelError

Item = TypeVar("Item")
Result = TypeVar("Result")


class MemoryLimit(Generic[Item]):
    """The largest number of items that fit in a batch, learned from batches that did not fit."""

    def __init__(self, name: str, items: str, describe: Callable[[Item], str]) -> None:
        """Begin without a limit.

        Args:
            name: The model, for messages.
            items: Name of a batch's items, in the plural, for messages.
            describe: A function that describes a single item, for the error if not even one fits.
        """
        self.name = name
        self.items = items
        self.describe = describe
        self.most: int | None = None

    def run(self, function: Callable[[Any], Sequence[Result]], batch: Any) -> list[Result]:
        """Return what ``function`` returns for each item of a batch, calling it with as many as fit in memory.

        Args:
            function: A function that returns one result per item.
            batch: A sequence with slices: a list, or a tensor.

        Raises:
            ModelError: If there is not enough memory for one item.
        """
        if self.most and len(batch) > self.most:
            parts = [batch[start : start + self.most] for start in range(0, len(batch), self.most)]
            return [result for part in parts for result in self.run(function, part)]
        try:
            return list(function(batch))
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        # Outside the handler: its traceback keeps the failed batch's tensors alive.
        if len(batch) == 1:
            raise ModelError(
                f"{self.name}: not enough memory for one {self.describe(batch[0])}; "
                "compute in --dtype bfloat16, or choose a smaller model or smaller pictures"
            )
        self.most = min(self.most or len(batch), len(batch) // 2)  # Another thread may have halved it already.
        warn(f"{self.name}: not enough memory for {len(batch)} {self.items} at once; going on with {self.most}")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        return self.run(function, batch)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error means that a device, or torch's allocator on a CPU, is out of memory."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)
