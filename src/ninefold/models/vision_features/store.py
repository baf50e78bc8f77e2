"""A store of image features by name: a cache in memory and, optionally, a folder of bounded size."""

import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock

import torch
import xxhash
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ninefold import store

DISK_BYTES = 50 << 30
"""Maximum bytes of a folder: features of 2,000 images of LLaVA-NeXT, or of 12,000 of Qwen2-VL."""


class Folder:
    """Features in a folder of bounded size, one file each; processes may share it, and broken files are ignored."""

    def __init__(self, path: Path, size: int) -> None:
        """Open a folder, which need not exist; ``size`` is its maximum in bytes."""
        self.path = path
        self.size = size
        self._lock = Lock()
        self._written = size

    def read(self, name: str) -> torch.Tensor | None:
        """Return the features of a name, or None if they are not stored or broken."""
        try:
            with safe_open(self._file(name), "pt") as file:
                features: torch.Tensor = file.get_tensor("features")
                whole = (file.metadata() or {}).get("hash") == _hash(features)
            os.utime(self._file(name))
        except (OSError, SafetensorError):
            return None
        return features if whole else None

    def write(self, name: str, features: torch.Tensor) -> None:
        """Store the features of a name, and keep the folder within its maximum size."""
        content = save({"features": features}, {"hash": _hash(features)})
        store.write_bytes(self._file(name), content)
        with self._lock:
            # Checking all files after each write would take longer than computing the features.
            self._written += len(content)
            if self._written > self.size // 20:
                self._shrink()
                self._written = 0

    def _file(self, name: str) -> Path:
        return self.path / name[:2] / f"{name}.safetensors"

    def _shrink(self) -> None:
        """Delete the least recently used files, until there is room for the writes before the next check."""
        found = []
        for path in self.path.glob("*/*.safetensors"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        over = sum(size for _, size, _ in found) - self.size + self.size // 20
        for _, size, path in sorted(found):
            if over <= 0:
                return
            path.unlink(missing_ok=True)
            over -= size


class FeatureStore:
    """Features of images by name: the most recently used in memory, and all in a folder if given."""

    def __init__(self, *, memory: int, folder: Path | None = None, disk: int = DISK_BYTES) -> None:
        """Open a store; bounds are in bytes."""
        self.memory = memory
        self.folder = folder
        self.disk = disk
        self.held = 0
        self._files = None if folder is None else Folder(folder, disk)
        self._held: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._lock = Lock()

    def get(self, name: str, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the features of a name, computed by ``make`` if they are not stored."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        features = None if self._files is None else self._files.read(name)
        if features is None:
            features = make()
            if self._files is not None:
                self._files.write(name, features)
        with self._lock:
            if name not in self._held:
                self._held[name] = features
                self.held += features.nbytes
            while self.held > self.memory:
                self.held -= self._held.popitem(last=False)[1].nbytes
        return features


def _hash(tensor: torch.Tensor) -> str:
    return str(xxhash.xxh3_128_hexdigest(tensor.view(torch.uint8).numpy().data))
