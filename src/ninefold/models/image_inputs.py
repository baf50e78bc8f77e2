"""The record of a run's image inputs: one row per image size, and the image processor's settings. No torch here."""

import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from ninefold import images, store
from ninefold.errors import ModelError
from ninefold.models.protocol import Model
from ninefold.runs import layout
from ninefold.runs.record import read_part
from ninefold.runs.shape import Prepared
from ninefold.types import Example

ROWS = 24
"""Maximum number of sizes with a row; each row costs one preparation of an image."""


KEPT = 100_000
"""Number of distinct prompts that are kept, about 1 KB each; of more, only the `ENDS` of each image size."""

ENDS = 8
"""Number of the shortest and of the longest prompts of an image size that are kept of many."""


class Watch:
    """A recorder of the image sizes and prompts of examples that pass through it."""

    def __init__(self, model: Model) -> None:
        """Record examples for ``model``, which reports its image inputs."""
        self.model = model
        self._asked: dict[tuple[int, int], dict[str, Example]] = {}
        self._counts: dict[tuple[int, int], int] = {}
        self._kept, self._most = 0, KEPT

    def through(self, examples: Iterable[Example]) -> Iterator[Example]:
        """Yield examples unchanged, and record their prompts and image sizes (read from the headers).

        Raises:
            DataError: If an image has no readable header.
        """
        for example in examples:
            size = images.size(example.image, name=f"example {example.id}")
            self._counts[size] = self._counts.get(size, 0) + 1
            asked = self._asked.setdefault(size, {})
            if example.prompt not in asked:
                asked[example.prompt] = replace(example, image=b"", turns=())
                self._kept += 1
                if self._kept > self._most:
                    self._thin()
            yield example

    def _thin(self) -> None:
        """Keep the shortest and the longest prompts of each size, in bounded memory: tokens go with letters."""
        for size, asked in self._asked.items():
            by_length = sorted(asked, key=len)
            ends = {*by_length[:ENDS], *by_length[-ENDS:]}
            self._asked[size] = {prompt: example for prompt, example in asked.items() if prompt in ends}
        self._kept = sum(map(len, self._asked.values()))
        self._most = max(KEPT, 2 * self._kept)

    def record(self) -> dict[str, Any] | None:
        """Return the image inputs of all examples, in JSON types, or ``None`` if the model does not know them.

        Returns:
            ``settings`` of the image processor; ``pictures``, one row per size, the most frequent first; ``others``,
            the number of sizes and examples without a row. Of more than `ROWS` sizes, only the most frequent, the
            smallest and the largest have a row.
        """
        sizes = self._sizes_with_a_row()
        rows = [self._row(size) for size in sizes]
        if None in rows:
            return None
        more = len(self._counts) - len(rows)
        left = sum(self._counts.values()) - sum(self._counts[size] for size in sizes)
        return {
            "settings": dict(self.model.image_settings),
            "pictures": rows,
            "others": {"sizes": more, "examples": left} if more else None,
        }

    def _sizes_with_a_row(self) -> list[tuple[int, int]]:
        sizes = sorted(self._counts, key=lambda size: (-self._counts[size], size))
        if len(sizes) <= ROWS:
            return sizes
        by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
        extremes = {by_area[0], by_area[-1]}
        common = [size for size in sizes if size not in extremes][: ROWS - len(extremes)]
        return [size for size in sizes if size in extremes or size in common]

    def _row(self, size: tuple[int, int]) -> dict[str, Any] | None:
        blank = _blank(size)
        inputs = [self.model.image_input(replace(example, image=blank)) for example in self._asked[size].values()]
        first = inputs[0]
        lengths = [found.prompt_tokens for found in inputs if found is not None]
        if first is None:
            return None
        return {
            "picture": list(size),
            "examples": self._counts[size],
            "pixels": first.pixels and list(first.pixels),
            "tiles": first.tiles,
            "share": first.share,
            "image_tokens": first.image_tokens,
            "prompt_tokens": [min(lengths), max(lengths)],
        }


def record(model: Model, examples: Iterable[Example]) -> dict[str, Any] | None:
    """Return the image inputs of examples (see `Watch.record`)."""
    watch = Watch(model)
    deque(watch.through(examples), maxlen=0)
    return watch.record()


def check_agreement(adapter: Path, settings: Mapping[str, object]) -> None:
    """Refuse an adapter whose training run prepared images with other settings than the model's.

    Args:
        adapter: A training run, or its adapter's folder; without a record of image inputs it is accepted.
        settings: ``image_settings`` of the model.

    Raises:
        ModelError: If a setting differs.
    """
    record = next((path for path in (adapter / layout.SEES, adapter.parent / layout.SEES) if path.is_file()), None)
    learned = read_part(record, Prepared)["settings"] if record else {}
    # A setting on one side only is unknown to the other version of transformers.
    for name in sorted(learned.keys() & settings.keys()):
        if learned[name] != settings[name]:
            raise ModelError(
                f"{adapter}: was trained on pictures prepared with {name} {store.canonical_json(learned[name])}, and "
                f"this model's has {store.canonical_json(settings[name])}; use the base it was trained on"
            )


def _blank(size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("1", size).save(file, "PNG")
    return file.getvalue()
