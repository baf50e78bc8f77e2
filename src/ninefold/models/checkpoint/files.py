"""Files of a checkpoint's folder, checked before a library reads them: an error then names the file. No torch."""

import json
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any

from ninefold.errors import ModelError, first_line

CONFIG = "config.json"
"""File name of a checkpoint's configuration."""

INDEX = "model.safetensors.index.json"
"""File name of the list of tensors of a checkpoint in several files."""

_OBJECTS = (
    CONFIG,
    INDEX,
    "added_tokens.json",
    "chat_template.json",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
)
"""Files that hold one JSON object each, as far as they are there."""

_SIZES = ("_dim", "_heads", "_size", "depth", "layers", "width")
"""Ends of the names of settings that are sizes of a network."""

_AGAIN = "copy or download it again"


def check_files(folder: Path) -> None:
    """Refuse a folder with a file that cannot be read as what its name says, or that leads outside.

    Raises:
        ModelError: If a file is no JSON object, no safetensors, a pipe, or a link to nothing, or if the list of tensors
            names anything but a safetensors file of this folder.
    """
    for path in folder.iterdir():
        if path.is_symlink() and not path.exists():
            raise ModelError(f"{path}: a link to a file that is not there; {_AGAIN}")
        # Reading a pipe would wait for ever.
        if not (path.is_file() or path.is_dir()):
            raise ModelError(f"{path}: is no file; {_AGAIN}")
    for name in _OBJECTS:
        if (folder / name).is_file():
            read_object(folder / name)
    if (folder / INDEX).is_file():
        for name in check_index(folder / INDEX):
            if not (folder / name).is_file():
                raise ModelError(f"{folder / INDEX}: names {name}, which is not in this folder; {_AGAIN}")
    # transformers opens the file that this setting names, of any kind.
    named = read_object(folder / CONFIG).get("transformers_weights", "")
    if named and not str(named).endswith(".safetensors"):
        raise ModelError(f"{folder / CONFIG}: names weights in {named!r}; only safetensors are opened")
    weights = sorted(folder.glob("*.safetensors"))
    for path in weights:
        check_safetensors(path)
    if weights:
        _check_sizes(folder, weights)


def _check_sizes(folder: Path, weights: Sequence[Path]) -> None:
    """Refuse a configuration with a size that these weights cannot have; building such a model takes all memory."""
    from safetensors import safe_open

    tensors = elements = 0
    for path in weights:
        with safe_open(path, framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]  # noqa: SIM118 - no mapping
        tensors += len(shapes)
        elements += sum(map(prod, shapes))
    for name, value in _numbers(read_object(folder / CONFIG)):
        # Shared layers, and unusual ones, may have fewer tensors than layers.
        limit = 8 * tensors + 64 if name.endswith(("layers", "depth")) else elements
        if name.endswith(_SIZES) and value > limit:
            raise ModelError(
                f"{folder / CONFIG}: {name} {value:,} is too large for its weights, {tensors:,} tensors of together "
                f"{elements:,} numbers; its files must be of one checkpoint"
            )


def _numbers(value: object, name: str = "") -> Iterator[tuple[str, int]]:
    """Yield every whole number of a configuration, with the name of its setting."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _numbers(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item, name)
    elif isinstance(value, int):
        yield name, value


def read_object(path: Path) -> Mapping[str, Any]:
    """Return the JSON object that a file of a checkpoint or an adapter holds.

    Raises:
        ModelError: If it holds no JSON, or JSON of another kind.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: not readable as JSON ({first_line(error)}); {_AGAIN}") from error
    if not isinstance(found, dict):
        raise ModelError(f"{path}: holds no JSON object, but a {type(found).__name__}; {_AGAIN}")
    return found


def check_safetensors(path: Path) -> None:
    """Refuse a file whose header does not describe exactly its content.

    Raises:
        ModelError: If it is no safetensors, or was cut off.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ModelError(f"{path}: not readable as safetensors ({first_line(error)}); {_AGAIN}") from error


def check_index(path: Path) -> list[str]:
    """Return the names of the files in a list of tensors, which must be safetensors files of the same folder.

    Raises:
        ModelError: If it names no files, or others.
    """
    files = read_object(path).get("weight_map")
    if not isinstance(files, dict) or not all(isinstance(name, str) for name in files.values()):
        raise ModelError(f"{path}: its weight_map names no files; {_AGAIN}")
    names = sorted(set(files.values()))
    for name in names:
        if Path(name).name != name or "\\" in name or not name.endswith(".safetensors"):
            raise ModelError(f"{path}: names {name!r}, which is no safetensors file of this folder; {_AGAIN}")
    return names
