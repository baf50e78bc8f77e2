"""Blocks of captions: the unit that a worker is given, and that a killed run does not lose."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ninefold.captions.caption import Caption
from ninefold.captions.engines.protocol import Engine, Filter
from ninefold.captions.pair import Generated

BLOCK_CAPTIONS = 64
"""Number of captions of a block; it is more where captions of one image would be parted."""

NO_VERDICT = "no verdict on whether it states a spatial relation"
"""Why a caption fails about which the filter says nothing."""


@dataclass(frozen=True)
class Block:
    """Consecutive captions of a run; those of one image are together."""

    number: int
    """Its index among the blocks of the run."""
    captions: tuple[Caption, ...]
    """The captions."""


@runtime_checkable
class Spreading(Protocol):
    """An engine that gives blocks to other machines by itself, and calls `process_block` there."""

    def spread(self, blocks: Iterable[Block], judge: Filter | None) -> Iterator[tuple[int, Sequence[Generated]]]:
        """Yield number and outcome of each block as it ends, in any order; a block is taken when there is room for it.

        Args:
            blocks: The blocks that are not done yet.
            judge: The filter; None if every caption goes on.

        Raises:
            NinefoldError: If no further block can be done.
        """
        ...


def process_block(captions: Sequence[Caption], judge: Filter | None, engine: Engine) -> list[Generated]:
    """Return what filter and engine make of each caption, in order.

    Args:
        captions: The captions of a block.
        judge: The filter; None if every caption goes on.
        engine: The engine.

    Raises:
        NinefoldError: If no further caption can be answered.
    """
    verdicts: Sequence[bool | None] = [True] * len(captions) if judge is None else judge.judge(captions)
    spatial = [caption for caption, verdict in zip(captions, verdicts, strict=True) if verdict]
    made = iter(engine.generate(spatial) if spatial else ())
    skipped = {False: Generated(is_spatial=False), None: Generated(failed=NO_VERDICT)}
    return [next(made) if verdict else skipped[verdict] for verdict in verdicts]
