"""All orders of the options: each question is asked once in every order of a Williams design, about the same image.

Every option is then in every slot equally often, so that a preference for a slot shows, and cannot help.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ninefold.errors import DataError
from ninefold.questions.prompt import prompt
from ninefold.runs.tables import ITEM
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.data.format.dataset import Dataset

FACTORS = ("order", "slot")
"""Columns that say, with all orders, which order is used and where the answer stands in it; both from 0."""


@dataclass(frozen=True)
class AllOrders:
    """The orders in which the questions of a data set are asked."""

    labels: tuple[str, ...]
    """The labels of the data set."""
    relabeling: tuple[int, ...]
    """A permutation of the labels: where the table of orders says x, label ``relabeling[x]`` is shown."""
    is_census: bool
    """Whether rows count separately in intervals (see `ninefold.types.Clustering`)."""

    @classmethod
    def of(cls, data: "Dataset") -> "AllOrders":
        """Return the orders of a data set: its own design's, if it has one, so that its own prompts are among them.

        Raises:
            DataError: If its questions do not have the same labels as options.
        """
        n = len(data.labels)
        if n < 2:
            raise DataError(
                f"{data.folder}: --orders all needs labels that all questions share, and each of these has options of "
                "its own; leave it out"
            )
        own = data.manifest.spec.get("relabeling")
        # A manifest may be edited, or that of a source of the user.
        permuted = isinstance(own, list) and all(type(value) is int for value in own) and sorted(own) == [*range(n)]
        return cls(data.labels, tuple(own or ()) if permuted else tuple(range(n)), data.clustering == "census")

    @property
    def options(self) -> list[tuple[str, ...]]:
        """Return the options of each order: 18 orders of nine labels, and n or 2n of n (see `design.williams`)."""
        from ninefold.design import williams

        return [tuple(self.labels[self.relabeling[option]] for option in order) for order in williams(len(self.labels))]

    def check(self, data: "Dataset", split: str) -> None:
        """Check that every prompt can be made again with other orders.

        Raises:
            DataError: If one is not instruction, question and labels in one line, or its answer is no label.
        """
        from ninefold.data.format.columns import opened

        labels = sorted(self.labels)
        for shard in data.shards(split):
            with opened(shard) as file:
                for batch in file.iter_batches(columns=["id", "question", "prompt", "options", "answer"]):
                    for row in batch.to_pylist():
                        same = row["prompt"] == prompt(row["question"], row["options"])
                        if not same or sorted(row["options"]) != labels or row["answer"] not in labels:
                            raise DataError(
                                f"{data.folder}: {split}: row {row['id']}: --orders all cannot make its prompt again: "
                                "it has words or options of its own; leave it out"
                            )

    def asked(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Yield each example in every order, one order after another, with the id ``{id}@{order}``.

        What errs together is the item, or what the data set says, such as the photo.

        Raises:
            DataError: If an example has a column "item" of its own.
        """
        listed = self.options
        for example in examples:
            if ITEM in example.factors:
                raise DataError(
                    f"example {example.id}: has a column {ITEM!r}, which --orders all writes; rename it in the data set"
                )
            for order, options in enumerate(listed):
                yield replace(
                    example,
                    id=f"{example.id}@{order}",
                    prompt=prompt(example.question, options),
                    options=options,
                    group=example.id if self.is_census else example.group,
                    factors={
                        **example.factors,
                        **dict(zip(FACTORS, (order, options.index(example.answer)), strict=True)),
                        ITEM: example.id,
                    },
                )
