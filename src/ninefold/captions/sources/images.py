"""The images of captions: found in a folder, or downloaded to it, ahead of the captions that need them."""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from ninefold import images
from ninefold.captions.caption import Caption
from ninefold.captions.sources.download import Downloads, is_url
from ninefold.captions.sources.entries import Entry
from ninefold.captions.sources.near import near_hash
from ninefold.captions.spec import CaptionsIn
from ninefold.data.sources.coco.ids import photo_id
from ninefold.data.sources.coco.photos import PhotoFolder
from ninefold.errors import DataError

AHEAD = 64
"""Number of captions whose images are looked for at the same time."""

REMEMBERED = 4096
"""Number of images that are not looked for again; captions of one image often stand together."""

EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm")
"""Extensions of image files; one is added to a name that has none."""

_COCO = (("train2017", ""), ("val2017", ""), ("train2014", "COCO_train2014_"), ("val2014", "COCO_val2014_"))
"""COCO's folders of photos, and what stands before the 12 digits of their names."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image that can be had."""

    path: Path
    """Its file."""
    pixels: str = ""
    """Hash of its decoded pixels; "" if it is not wanted."""
    near: int | None = None
    """Its perceptual hash; None if it is not wanted, or if the image shows nothing."""


class Images:
    """Images looked for in the background, several at a time; a caption's comes in the caption's place.

    A file is the one of its name in the folder, or of its name with an extension, or of its COCO id (also in COCO's own
    subfolders). No file outside of the folder is ever opened, unless by a link in it. Every image is decoded once.
    """

    def __init__(self, spec: CaptionsIn, *, hashed: bool) -> None:
        """Prepare; nothing is looked for yet.

        Args:
            spec: The captions.
            hashed: Whether hashes of images are wanted.

        Raises:
            DataError: If the folder is none, or the environment names a proxy that cannot be used.
        """
        if spec.images is not None and spec.images.exists() and not spec.images.is_dir():
            raise DataError(f"--images {spec.images}: is no folder; name the folder of the images")
        self._folder, self._hashed = spec.images, hashed
        self._photos: dict[Path, PhotoFolder] = {}
        self._known: OrderedDict[tuple[str, Path], Future[Picture | str]] = OrderedDict()
        self._downloads = Downloads(spec.images, retry=spec.retry_images) if spec.images else None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ninefold images", daemon=True)

    def __enter__(self) -> "Images":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def ahead(self, found: Iterable[Entry]) -> Iterator[tuple[Entry, Picture | str]]:
        """Yield each entry with its image, or with why it cannot be had; "" with one that is no caption.

        Raises:
            DataError: If images are given by URL and there is no folder for them, or no server can be reached.
        """
        waiting: deque[tuple[Entry, Future[Picture | str] | str]] = deque()
        for entry in found:
            waiting.append((entry, self._asked(entry)))
            if len(waiting) >= AHEAD:
                yield _answered(*waiting.popleft())
        while waiting:
            yield _answered(*waiting.popleft())

    def _asked(self, entry: Entry) -> "Future[Picture | str] | str":
        if not isinstance(entry.item, Caption):
            return ""
        if not entry.image:
            return "the row names no image"
        if is_url(entry.image) and self._downloads is None:
            raise DataError(f"{entry.image:.200}: images are given by URL; name a folder for them (--images)")
        key = entry.image, self._folder or entry.folder
        if key not in self._known:
            self._known[key] = asyncio.run_coroutine_threadsafe(self._had(*key), self._loop)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[key]

    async def _had(self, image: str, folder: Path) -> Picture | str:
        if not is_url(image) or self._downloads is None:
            return await asyncio.to_thread(self._in_folder, image, folder)
        name = image.rpartition("/")[2]
        # Many have the photos of COCO already.
        there = await asyncio.to_thread(self._in_folder, name, folder) if photo_id(name) is not None else ""
        if isinstance(there, Picture):
            return there
        found = await self._downloads.get(image)
        # A download is known to be an image.
        return found if isinstance(found, str) else await asyncio.to_thread(self._look, found, checked=True)

    def _in_folder(self, image: str, folder: Path) -> Picture | str:
        photos = self._photos.setdefault(folder, PhotoFolder(folder))
        path = next(filter(None, map(photos.find, names_of(image))), None)
        return self._look(path) if path else f"{image:.200} is not in {folder}"

    def _look(self, path: Path, *, checked: bool = False) -> Picture | str:
        if checked and not self._hashed:
            return Picture(path)
        try:
            rgb = images.open_rgb(path)
        except DataError as error:
            return str(error)
        return Picture(path, images.pixel_hash(rgb), near_hash(rgb)) if self._hashed else Picture(path)

    async def _end(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._downloads:
            await self._downloads.close()
        await self._loop.shutdown_default_executor()


def names_of(image: str) -> Iterator[str]:
    """Yield the file names that an image may have: as it is, with an extension, and those that COCO gives its id."""
    yield image
    has_extension = image.lower().endswith(EXTENSIONS)
    if not has_extension:
        yield from (image + extension for extension in EXTENSIONS)
    number = coco_id(image)
    if number is not None:
        yield f"{number:012}.jpg"
    for folder, before in _COCO:
        yield f"{folder}/{image}"
        if number is not None:
            yield f"{folder}/{before}{number:012}.jpg"


def coco_id(image: str) -> int | None:
    """Return the id of a photo of COCO, by its file name or as a bare number; None for other images."""
    name = image.rpartition("/")[2]
    return int(name) if name.isascii() and name.isdigit() and len(name) <= 7 else photo_id(name)


def _answered(entry: Entry, answer: "Future[Picture | str] | str") -> tuple[Entry, Picture | str]:
    return entry, answer if isinstance(answer, str) else answer.result()
