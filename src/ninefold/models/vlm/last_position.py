"""A shortcut: the end of the last decoder layer is computed only for the last position, which answers need."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ninefold.models import compat
from ninefold.models.family import Family

_wanted: ContextVar[bool] = ContextVar("last_position_only", default=False)
"""Whether only the last position of a forward pass is needed, in the current thread."""


def install(network: Any, family: Family) -> None:
    """Prepare a network; its forward passes change only within `last_position_only`.

    The last layer's output for the last position is broadcast to all positions: it is right for the last and wrong for
    the others, which are not used.
    """
    named = [
        (int(found[1]), module)
        for name, module in network.get_decoder().named_modules()
        if (found := re.fullmatch(family.tokenwise_modules, name))
    ]
    last = max((layer for layer, _ in named), default=None)
    for layer, module in named:
        if layer == last:
            compat.add_forward_pre_hook(module, _keep_last)


@contextmanager
def last_position_only(wanted: bool = True) -> Iterator[None]:
    """Compute the last layer of a prepared network for the last position alone, within this block and thread."""
    token = _wanted.set(wanted)
    try:
        yield
    finally:
        _wanted.reset(token)


def _keep_last(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...] | None:
    return (arguments[0][:, -1:], *arguments[1:]) if arguments and _wanted.get() else None
