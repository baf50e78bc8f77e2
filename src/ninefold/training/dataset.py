"""The examples of a training run: read on access, measured once, and divided into micro-batches.

Axes: B examples of a micro-batch.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from typing import Any, Protocol, overload

import torch
from torch.utils.data import Dataset

from ninefold.models.compute.prefetch import core_count, prefetch
from ninefold.models.vision_features.features import FeatureModel
from ninefold.models.vlm.prompt import Tensors
from ninefold.training.memory import MemoryPlan
from ninefold.types import Example

CACHE_BYTES = 2 << 30
"""Memory limit of prepared images: about ten thousand of 264 x 264."""


class BatchEncoder(Protocol):
    """A maker of tensors from examples without the network; each worker of a data loader gets a copy."""

    image_bytes: Any
    """Memory of a prepared image, if it is the same for all; otherwise ``None``."""

    def image(self, example: Example) -> Any:
        """Return an example's image, prepared for `training_batch`."""
        ...

    def cost(self, example: Example) -> float:
        """Return the approximate number of tokens of an example, from the header of its image and its text."""
        ...

    def training_batch(self, examples: Sequence[Example], images: Sequence[Any]) -> Tensors:
        """Return the tensors of a batch with the true answers."""
        ...


class Concatenated(Sequence[Example]):
    """The concatenation of several sequences of examples."""

    def __init__(self, parts: Sequence[Sequence[Example]]) -> None:
        """Take the sequences in order."""
        self.parts = parts
        self.ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        """Return the number of examples."""
        return self.ends[-1]

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | Sequence[Example]:
        """Return the example at an index."""
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        part = bisect_right(self.ends, index)
        return self.parts[part][index - self.ends[part] + len(self.parts[part])]

    def __iter__(self) -> Iterator[Example]:
        """Yield all examples in order."""
        return chain.from_iterable(self.parts)


def joined(parts: Sequence[Sequence[Example]]) -> Sequence[Example]:
    """Return several sequences of examples as one."""
    return parts[0] if len(parts) == 1 else Concatenated(parts)


class TrainingSet:
    """Examples for training or validation: their lengths, and their prepared images if all fit in memory.

    If they do not fit, examples and images are read whenever a batch needs them, in bounded memory.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        encoder: BatchEncoder,
        *,
        watch: Callable[[Iterable[Example]], Iterable[Example]] = iter,
    ) -> None:
        """Measure all examples in one pass, and prepare their images if they fit.

        Args:
            examples: A sequence that reads an example on access, or a list.
            encoder: The maker of their tensors.
            watch: A function that yields the examples of the pass unchanged, such as a progress bar.
        """
        self.examples = examples
        self.encoder = encoder
        size = encoder.image_bytes
        fits = size is not None and size * len(examples) <= CACHE_BYTES

        def measured(example: Example) -> tuple[float, tuple[Example, Any] | None]:
            # The encoded image is no longer needed.
            kept = (replace(example, image=b""), encoder.image(example)) if fits else None
            return encoder.cost(example), kept

        passed = list(prefetch(measured, watch(examples)))
        self.lengths = [length for length, _ in passed]
        self._prepared = [kept for _, kept in passed if kept is not None]
        self.featured = isinstance(encoder, FeatureModel)
        # Features are kept in the process of the model: a worker has neither.
        self.workers = 0 if fits or self.featured else min(4, core_count())
        # Tokens that the model adds itself, above all those of an image of fixed size, are not part of a cost.
        longest = self.longest()
        added = max(0.0, self.batch([longest])["labels"].numel() - self.lengths[longest])
        self.lengths = [length + added for length in self.lengths]

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.lengths)

    def longest(self) -> int:
        """Return the index of the longest example."""
        return max(range(len(self)), key=self.lengths.__getitem__)

    def batch(self, indices: Sequence[int]) -> Tensors:
        """Return the tensors of examples with their answers."""
        if self._prepared:
            prepared = [self._prepared[index] for index in indices]
        else:
            examples = [self.examples[index] for index in indices]
            prepared = [(example, self.encoder.image(example)) for example in examples]
        return self.encoder.training_batch([example for example, _ in prepared], [image for _, image in prepared])


@dataclass
class StepDataset(Dataset[dict[str, Any]]):
    """A training set for Trainer: each item is a process's share of an optimizer step, in micro-batches.

    It holds no network and can be sent to a data loader's workers.
    """

    training_set: TrainingSet
    plan: MemoryPlan
    dtype: torch.dtype
    """The precision of the network's computation."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.training_set)

    def __getitems__(self, indices: Sequence[int]) -> dict[str, Any]:
        """Return the tensors of each micro-batch, the ``indices`` (B) of its examples among them, and the plan."""
        lengths = self.training_set.lengths
        micro_batches = []
        for part in self.plan.split([lengths[index] for index in indices]):
            chosen = [indices[position] for position in part]
            batch = self.training_set.batch(chosen)
            cast = {key: value.to(self.dtype) if value.is_floating_point() else value for key, value in batch.items()}
            micro_batches.append({**cast, "indices": torch.tensor(chosen)})
        return {"micro_batches": micro_batches, "plan": self.plan}

    def padding(self, order: Sequence[int], step: int) -> float:
        """Return the fraction of padding among all tokens, for examples in an order, ``step`` at a time."""
        real = total = 0.0
        for start in range(0, len(order), step):
            lengths = [self.training_set.lengths[index] for index in order[start : start + step]]
            real += sum(lengths)
            total += sum(len(part) * max(lengths[position] for position in part) for part in self.plan.split(lengths))
        return 1 - real / total


def collated(step: dict[str, Any]) -> dict[str, Any]:
    """Return an item of a `StepDataset` unchanged: it is already a whole batch."""
    return step
