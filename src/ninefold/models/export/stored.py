"""The tensors of a checkpoint's safetensors files, by their place in the files, and copies with some of them replaced.

Nothing here needs more memory than one tensor.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ninefold.models.checkpoint.files import CONFIG, INDEX, check_index, check_safetensors, read_object

_WHOLE = "model.safetensors"
"""File name of a checkpoint's weights in one file."""

_FLOATS = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
"""Types of unquantized weights by their safetensors name."""

_NOT_COPIED = {
    ".bin", ".ckpt", ".gguf", ".h5", ".md", ".msgpack", ".onnx", ".ot", ".pt", ".pth", ".safetensors",
}  # fmt: skip
"""Suffixes of files that are not copied: a base's weights in any form, and its card."""


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a safetensors file."""

    file: Path
    """The file."""
    name: str
    """Its name there."""
    dtype: torch.dtype | None
    """Its type; None for one that is no plain floating-point type, such as a quantized one."""
    shape: tuple[int, ...]
    """Its shape."""
    begin: int
    """Its first byte in the file."""
    end: int
    """The byte after its last one."""

    def read(self) -> torch.Tensor:
        """Return its values."""
        assert self.dtype is not None
        with self.file.open("rb") as file:
            file.seek(self.begin)
            content = bytearray(file.read(self.end - self.begin))
        flat = torch.frombuffer(content, dtype=self.dtype) if content else torch.empty(0, dtype=self.dtype)
        return flat.reshape(self.shape)


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files that transformers reads from a checkpoint's folder.

    Raises:
        ModelError: If the list of tensors names others.
    """
    named = str(read_object(folder / CONFIG).get("transformers_weights") or _WHOLE)
    if (folder / named).is_file() and named != INDEX:
        return [folder / named]
    return [folder / name for name in check_index(folder / INDEX)]


def stored_tensors(folder: Path) -> dict[str, StoredTensor]:
    """Return the tensors of a checkpoint by name.

    Raises:
        ModelError: If a file is no safetensors, or was cut off.
    """
    found = {}
    for path in weight_files(folder):
        check_safetensors(path)
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        for name, facts in header.items():
            if name != "__metadata__":
                begin, end = (8 + length + offset for offset in facts["data_offsets"])
                found[name] = StoredTensor(path, name, _FLOATS.get(facts["dtype"]), tuple(facts["shape"]), begin, end)
    return found


def copy_checkpoint(folder: Path, out: Path, replaced: Mapping[str, torch.Tensor]) -> None:
    """Copy a checkpoint with some of its tensors replaced; everything else has the same bytes.

    Files, their division into parts, tokenizer, processor, chat template, configuration and code stay those of the
    base: whatever reads the base reads the copy. Not copied are its card and its weights in other forms.

    Args:
        folder: The checkpoint.
        out: The folder to write into.
        replaced: New values by the names in the files, of the stored types and shapes.
    """
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith(".") and path.suffix.lower() not in _NOT_COPIED:
            shutil.copyfile(path, out / path.name)
    stored = stored_tensors(folder)
    for path in weight_files(folder):
        shutil.copyfile(path, out / path.name)
        with (out / path.name).open("r+b") as file:
            for name, values in replaced.items():
                if stored[name].file == path:
                    file.seek(stored[name].begin)
                    file.write(_content(values, stored[name]))


def _content(values: torch.Tensor, place: StoredTensor) -> Any:
    """Return the bytes of a tensor, which must fit its place exactly."""
    assert (values.dtype, tuple(values.shape)) == (place.dtype, place.shape), place.name
    content = values.cpu().contiguous().flatten().view(torch.uint8).numpy().data
    assert content.nbytes == place.end - place.begin, place.name
    return content
