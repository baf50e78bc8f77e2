"""The source of questions about annotated photos: its annotations, its folder of photos and its splits."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar

from ninefold.data.sources.coco.allotment import Holdout, held_out
from ninefold.data.sources.coco.annotations import Instance, read_instances
from ninefold.data.sources.coco.entries import Photo
from ninefold.data.sources.coco.photos import PhotoFolder
from ninefold.data.sources.protocol import SPLITS_OF, Skips, Source
from ninefold.errors import DataError
from ninefold.types import Clustering


class PhotoSource(Source):
    """A source of questions about photos, in the format of COCO's annotations.

    Its specification has ``annotations``, ``images``, ``split``, ``subset``, ``embed`` and ``boxes``, and ``seed``.
    """

    clustering: ClassVar[Clustering] = "group"

    def __init__(self, spec: Any) -> None:
        self.spec = spec
        self.embed = spec.embed
        self.photos = PhotoFolder(spec.images)
        self.skips = Skips()
        """Skipped rows by reason; complete after the splits have been read."""

    def split_names(self) -> tuple[str, ...]:
        """Return "test", or "train" and "validation"."""
        return SPLITS_OF[self.spec.split]

    def _read(self, **form: Any) -> list[Instance]:
        """Return the annotated things (see `read_instances`).

        Raises:
            DataError: If there is no folder of photos, or the annotations cannot be used.
        """
        spec = self.spec
        if not spec.images.is_dir():
            raise DataError(f"{spec.images}: no such folder; name the one that holds the photos, such as val2017")
        return read_instances(spec.annotations, self.skips, unit=spec.boxes, same=self.photos.same, **form)

    def _parted(self, things: Sequence[Instance], by: Holdout = "image") -> Mapping[str, Sequence[Instance]]:
        """Return the things of each split."""
        return {"test": things} if self.spec.split == "test" else held_out(things, self.spec.seed, by)

    def _sizes(self, least: int) -> dict[str, int]:
        """Return the number of questions of each split: of validation a quarter, but at least so many."""
        size = self.spec.subset
        return {"test": size, "train": size, "validation": max(least, size // 4)}

    @cached_property
    def _is_usable(self) -> Callable[[Photo], bool]:
        """Whether a photo can be used; each is opened and counted once, also one that is used in both splits."""
        return cache(lambda photo: self.photos.usable(photo, self.skips) is not None)
