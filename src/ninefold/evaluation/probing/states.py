"""Hidden states of a run, written once in half precision, chunk by chunk, and read layer by layer.

Each chunk of examples is one file, ``states/00000.safetensors``, written atomically. Its states are ordered by layer:
reading one layer touches nothing of the others. An interrupted run goes on with the first missing chunk, because chunks
determine a model's batches, and with them the last bits of its numbers.

Activations of some models exceed 65,504, the largest number of half precision. Each state (the vector of one example at
one layer) is therefore divided by a power of two, so that its largest number is at least 2^14 and below 2^15. Such a
division is exact. States computed in bfloat16 or float16 are stored exactly, apart from numbers below about 2^-29 of
the largest; of those in float32, eleven bits remain.

Axes: N examples, B examples of a chunk, L layers, D width.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from ninefold import console, images, store
from ninefold.errors import DataError, ModelError, RunError, first_line
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.models.protocol import Model

CHUNK = 256
"""Number of examples of a file."""

TOP = 15
"""Binary exponent below which the numbers of a stored state lie."""

_EXAMPLES = "examples"
"""Key in a file's metadata of the hash of its examples' ids."""


def write(model: "Model", examples: Iterable[Example], folder: Path, *, total: int, progress: bool = True) -> None:
    """Write the hidden states of all examples that are not there yet.

    Args:
        model: The model.
        examples: The examples; the same at every call for a folder.
        folder: Folder of the files.
        total: Number of examples.
        progress: Whether to show a progress bar.

    Raises:
        ModelError: If the model has no hidden states, or they are not finite.
        RunError: If a file holds the states of other examples, or is damaged.
        DataError: If the data set gives another number of examples.
    """
    done = 0
    with console.progress(shown=progress) as bar:
        task = bar.add_task("hidden states", total=total, completed=min(total, CHUNK * len(_files(folder))))
        for number, block in enumerate(_chunks(examples)):
            done += len(block)
            path = folder / f"{number:05d}.safetensors"
            ids = store.content_id([example.id for example in block])
            if path.exists():
                _check(path, ids)
                continue
            states_LBD, exponents_LB = encoded(_checked(model, block))
            for example in block:
                images.check(example.image)
            store.write_bytes(path, save({"states": states_LBD, "exponents": exponents_LB}, {_EXAMPLES: ids}))
            bar.advance(task, len(block))
    if done != total:
        raise DataError(f"{folder.parent}: the data set gave {done:,} examples of {total:,}; make it again")


def are_written(folder: Path, total: int) -> bool:
    """Whether the states of all examples are there."""
    return len(_files(folder)) == -(-total // CHUNK)


def layers(folder: Path) -> int:
    """Return the number of layers.

    Raises:
        RunError: If a file is damaged.
    """
    with _opened(_files(folder)[0]) as file:
        return int(file.get_slice("states").get_shape()[0])


def read_layer(folder: Path, layer: int, total: int) -> NDArray[np.float64]:
    """Return the states (N, D) of one layer, counted from 1, in the order of the examples.

    Args:
        folder: Folder of the files.
        layer: Number of the layer.
        total: Number of examples.

    Raises:
        RunError: If a file is damaged.
    """
    layer_ND: NDArray[np.float64] | None = None
    for number, path in enumerate(_files(folder)):
        with _opened(path) as file:
            halves_BD, exponents_B = (file.get_slice(name)[layer - 1] for name in ("states", "exponents"))
            states_BD = np.ldexp(halves_BD.astype(np.float64), exponents_B[:, None])
            if layer_ND is None:
                layer_ND = np.empty((total, states_BD.shape[1]))
            rows = layer_ND[number * CHUNK : (number + 1) * CHUNK]
            if rows.shape != states_BD.shape or not np.isfinite(states_BD).all():
                raise ValueError(f"states of shape {states_BD.shape}, or not finite, for {rows.shape}")
            rows[:] = states_BD
    assert layer_ND is not None
    return layer_ND


def remove(folder: Path) -> None:
    """Remove the states."""
    if folder.exists():
        shutil.rmtree(folder)


def encoded(states_BLD: NDArray[np.float32]) -> tuple[NDArray[np.float16], NDArray[np.int16]]:
    """Return states as half-precision numbers (L, B, D), and their scales (L, B) as exponents of two."""
    states_LBD = states_BLD.transpose(1, 0, 2)
    exponents_LB = np.frexp(np.abs(states_LBD).max(-1))[1] - TOP
    halves_LBD = np.ldexp(states_LBD, -exponents_LB[..., None]).astype(np.float16, order="C")
    # safetensors writes memory as it lies.
    return halves_LBD, exponents_LB.astype(np.int16, order="C")


def _checked(model: "Model", examples: Sequence[Example]) -> NDArray[np.float32]:
    """Return the hidden states (B, L, D) of examples, finite and in single precision.

    Raises:
        ModelError: If the model has none, or returns anything else.
    """
    method: Any = getattr(model, "hidden_states", None)
    if method is None:
        raise ModelError(f"{model.name}: has no hidden states; probe a checkpoint with layers")
    given = np.asarray(method(examples))
    if given.ndim != 3 or len(given) != len(examples) or not given.size or given.dtype.kind != "f":
        raise ModelError(
            f"{model.name}: its hidden states are {given.dtype} of shape {given.shape}; return floating-point numbers "
            f"of the shape ({len(examples)}, layers, width)"
        )
    with np.errstate(over="ignore"):
        found: NDArray[np.float32] = given.astype(np.float32)
    finite_BL = np.isfinite(found).all(-1)
    if not finite_BL.all():
        row, layer = np.argwhere(~finite_BL)[0]
        raise ModelError(
            f"{model.name}: the hidden state of example {examples[row].id} at layer {layer + 1} is not finite; compute "
            "in another precision, such as --dtype bfloat16 or float32"
        )
    return found


def _chunks(examples: Iterable[Example]) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while block := list(islice(iterator, CHUNK)):
        yield block


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("?????.safetensors"))


def _check(path: Path, ids: str) -> None:
    """Refuse a file with the states of other examples."""
    with _opened(path) as file:
        if (file.metadata() or {}).get(_EXAMPLES) != ids:
            raise RunError(f"{path}: holds the states of other examples; delete the run folder, and probe again")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield an open file of states.

    Raises:
        RunError: If it is damaged.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            yield file
    # What is read from an edited file may be of another shape or type.
    except (SafetensorError, IndexError, TypeError, ValueError) as error:
        raise RunError(f"{path}: damaged ({first_line(error)}); remove it and run the same command again") from error
