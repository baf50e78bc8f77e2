"""The shape of JSON values: whether what a file holds is what a type hint says, down to the last entry."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import zip_longest
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict


class Region(TypedDict):
    """Accuracy in one region of the images."""

    n: int
    """Number of examples."""
    accuracy: float | None
    """Right answers among them, as a fraction; None if there are none."""
    ci95: Sequence[float] | None
    """Bounds of its 95 % interval."""


class Order(Region):
    """Accuracy with one order of the options."""

    options: Sequence[str]
    """The options in this order."""


class Slot(Region):
    """Accuracy where the right answer is in one slot."""

    given: float
    """Labels given that are in this slot, as a fraction of all labels given."""


class Consistency(TypedDict):
    """The dependence of answers on the order of the options (see `ninefold.analysis.consistency`)."""

    items: int
    """Number of questions, each asked in every order."""
    orders: int
    """Number of orders."""
    all_right: Region
    """Items answered right in every order."""
    changed: Region
    """Items whose answer is another one in some order."""
    by_order: Sequence[Order]
    """Accuracy of each order."""
    by_slot: Sequence[Slot]
    """Accuracy by the slot of the right answer."""


class Measure(TypedDict):
    """A figure of a benchmark, such as accuracy, precision, or the share of pairs that are right as a whole."""

    n: int
    """Number of units that it is computed from: rows, pairs, groups."""
    value: float | None
    """The figure, as a fraction unless the benchmark prints points; None if there are no units."""
    ci95: Sequence[float] | None
    """Bounds of its 95 % interval; None if there is none."""
    most: NotRequired[float]
    """Largest possible value of a figure in points, such as 2000; a figure without it is a fraction."""


class BenchmarkFigures(TypedDict):
    """The figures of a public benchmark, with all conditions under which they hold."""

    name: str
    """Name of the benchmark, as `--benchmark` takes it."""
    title: str
    """Name in tables."""
    main: str
    """Key in ``measures`` of the figure that papers print."""
    measures: Mapping[str, Measure]
    """The figures by name."""
    by: Mapping[str, Mapping[str, Mapping[str, Measure]]]
    """The figures of parts: factor, value of the factor, name of the figure; e.g. relation, "behind", accuracy."""
    conditions: Mapping[str, str | int | float | None]
    """Data revision, prompt, pixel budget, decoding, parser version, rate of unread answers, rows and missing rows."""


class Epoch(TypedDict):
    """An entry of ``history.json``."""

    epoch: int
    """Number of the epoch, from 1."""
    step: int
    """Optimizer steps until its end."""
    train_loss: float
    """Mean loss over its training examples."""
    validation_loss: float
    """Mean loss over the validation examples after it."""
    learning_rate: float
    """Learning rate of its last step."""


class Picture(TypedDict):
    """A row of ``sees.json``: images of one size."""

    picture: tuple[int, int]
    """Width and height in pixels."""
    examples: int
    """Number of examples."""
    pixels: tuple[int, int] | None
    """Width and height after resizing."""
    tiles: int
    """Number of tiles."""
    share: float
    """Fraction of the image that is seen."""
    image_tokens: int
    """Number of image tokens; 0 if unknown."""
    prompt_tokens: tuple[int, int]
    """Least and greatest number of tokens of a prompt; 0 if unknown."""


class Others(TypedDict):
    """The images without a row in ``sees.json``."""

    sizes: int
    """Number of their sizes."""
    examples: int
    """Number of examples."""


class Prepared(TypedDict):
    """The part of ``sees.json`` that holds for every image."""

    settings: Mapping[str, Any]
    """Settings of the image processor."""


class ImageInputs(Prepared):
    """The content of ``sees.json``."""

    pictures: Sequence[Picture]
    """One row per size, the most frequent first."""
    others: Others | None
    """The images without a row."""


class Origin(TypedDict, total=False):
    """The facts in ``provenance.json`` that are read again."""

    data: str | Sequence[str] | None
    """Folders of the data sets."""
    adapter: str | None
    """Folder of the adapter."""
    training: str | None
    """Folder of the training run that made the model."""
    parent: Mapping[str, Any] | None
    """Identity of the model's base."""
    peak_memory_mib: Mapping[str, float] | None
    """Peak memory by device."""
    command: str
    """The command line."""


@cache
def hints_of(kind: type) -> Mapping[str, Any]:
    """Return the type hints of a class by name; they are resolved once."""
    return get_type_hints(kind)


def misfit(value: object, hint: Any, where: str = "") -> str | None:
    """Return where a JSON value is not of a type, such as "pictures[0].share"; None if it fits.

    Args:
        value: The value.
        hint: A type: a TypedDict, a mapping, a sequence, a tuple, a union, a literal or a plain type.
        where: The path of the value.
    """
    if type(value) in _plain(hint):
        return None
    origin, inside = get_origin(hint), get_args(hint)
    found: Iterable[str | None]
    if origin in (Union, UnionType):
        tried = [misfit(value, one, where) for one in inside]
        # The deepest place is that of the member which was meant.
        found = [None if None in tried else max(filter(None, tried), key=len, default=where)]
    elif is_typeddict(hint) and isinstance(value, dict):
        hints = hints_of(hint)
        found = (
            misfit(value.get(key, ...), hints[key], _joined(where, key))
            for key in hints
            if key in value or key in hint.__required_keys__
        )
    elif _is_a(origin, Mapping) and isinstance(value, dict):
        found = (misfit(one, inside[1], _joined(where, key)) for key, one in value.items())
    elif _is_a(origin, Sequence) and isinstance(value, list | tuple):
        fixed = origin is tuple and inside[-1] is not ...
        if not fixed and set(map(type, value)) <= _plain(inside[0]):
            return None
        kinds = inside if fixed else inside[:1] * len(value)
        pairs = enumerate(zip_longest(value, kinds, fillvalue=None))
        found = (misfit(one, kind, f"{where}[{at}]") for at, (one, kind) in pairs)
    else:
        found = [None if _is(value, hint) else where]
    return next((path for path in found if path is not None), None)


@cache
def _plain(hint: Any) -> frozenset[type]:
    """Return the types whose values all fit, for a plain type or a union of such: grids of numbers are checked fast."""
    if get_origin(hint) in (Union, UnionType):
        return frozenset[type]().union(*map(_plain, get_args(hint)))
    if hint in (None, NoneType):
        return frozenset([NoneType])
    return frozenset([float, int] if hint is float else [hint] if hint in (int, str, bool) else [])


def _is(value: object, hint: Any) -> bool:
    if hint is Any or get_origin(hint) is Literal:
        return hint is Any or value in get_args(hint)
    if hint is None or not isinstance(hint, type) or is_typeddict(hint):
        return value is None and hint is None
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def _is_a(origin: Any, kind: type) -> bool:
    return isinstance(origin, type) and issubclass(origin, kind)


def _joined(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
