"""A store of image features by name: the last used ones in memory, and all in a folder of bounded size, if given."""

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
"""The most bytes of a folder: features of 2,000 images of LLaVA-NeXT, or of 12,000 of Qwen2-VL."""


class FeatureStore:
    """Features of images by name; processes may share a folder, and a broken file is computed again."""

    def __init__(self, *, memory: int, folder: Path | None = None, disk: int = DISK_BYTES) -> None:
        """Open a store; bounds are in bytes."""
        self.memory = memory
        self.folder = folder
        self.disk = disk
        self.held = 0
        self._held: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._lock = Lock()
        self._written = disk

    def get(self, name: str, make: Callable[[], torch.Tensor]) -> torch.Tensor:
        """Return the features of a name, computed by ``make`` if they are not stored."""
        with self._lock:
            if name in self._held:
                self._held.move_to_end(name)
                return self._held[name]
        features = self._read(name)
        if features is None:
            features = make()
            self._write(name, features)
        with self._lock:
            if name not in self._held:
                self._held[name] = features
                self.held += features.nbytes
            while self.held > self.memory:
                self.held -= self._held.popitem(last=False)[1].nbytes
        return features

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / name[:2] / f"{name}.safetensors"

    def _read(self, name: str) -> torch.Tensor | None:
        if self.folder is None:
            return None
        try:
            with safe_open(self._path(name), "pt") as file:
                features: torch.Tensor = file.get_tensor("features")
                whole = (file.metadata() or {}).get("hash") == _hash(features)
            os.utime(self._path(name))
        except (OSError, SafetensorError):
            return None
        return features if whole else None

    def _write(self, name: str, features: torch.Tensor) -> None:
        if self.folder is None:
            return
        content = save({"features": features}, {"hash": _hash(features)})
        store.write_bytes(self._path(name), content)
        with self._lock:
            # To look at all files after each one would take longer than to compute it.
            self._written += len(content)
            if self._written > self.disk // 20:
                self._shrink(self.folder)
                self._written = 0

    def _shrink(self, folder: Path) -> None:
        """Delete the least recently used files, until there is room for what is written before the next look."""
        found = []
        for path in folder.glob("*/*.safetensors"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found.append((facts.st_mtime_ns, facts.st_size, path))
        over = sum(size for _, size, _ in found) - self.disk + self.disk // 20
        for _, size, path in sorted(found):
            if over <= 0:
                return
            path.unlink(missing_ok=True)
            over -= size


def _hash(tensor: torch.Tensor) -> str:
    return str(xxhash.xxh3_128_hexdigest(tensor.view(torch.uint8).numpy().data))
