"""The captions of files, with their images, and without those of images that are excluded."""

from collections.abc import Iterator
from dataclasses import replace

from ninefold import console
from ninefold.captions.caption import WITHOUT_IMAGE, Caption, LeftOut
from ninefold.captions.sources.entries import Entry, entries
from ninefold.captions.sources.exclusion import Exclusion
from ninefold.captions.sources.images import Images
from ninefold.captions.spec import CaptionsIn
from ninefold.errors import DataError

EXCLUDED = "excluded"
"""The reason of captions that are left out because their image is on a list."""


def read(spec: CaptionsIn) -> Iterator[Caption | LeftOut]:
    """Yield the captions of files in the order of their rows, and in between what is left out, with its reason.

    Images are looked for if ``image_field`` or ``images`` is given: files in that folder, or in the one of the
    captions; those given by URL are downloaded ahead. Memory is as for `entries`.

    Raises:
        DataError: If a file cannot be read, has not the named fields, or is of no known form; or if no file has a
            usable row, or no caption an image that can be had.
    """
    exclusion = Exclusion.of(spec.exclude)
    found = (_by_name(entry, exclusion) for entry in entries(spec))
    if spec.image_field is not None or spec.images is not None:
        yield from _with_images(found, spec, exclusion)
        return
    if exclusion.has_pictures:
        console.warn(
            "--exclude: images are compared by their names alone; name their field (--image-field) to see them"
        )
    for entry in found:
        yield entry.item


def _by_name(entry: Entry, exclusion: Exclusion) -> Entry:
    if isinstance(entry.item, Caption) and (detail := exclusion.named(entry.image, entry.row_id)):
        return replace(entry, item=LeftOut(entry.item.id, EXCLUDED, detail))
    return entry


def _with_images(found: Iterator[Entry], spec: CaptionsIn, exclusion: Exclusion) -> Iterator[Caption | LeftOut]:
    wanted = had = 0
    first = ""
    with Images(spec, hashed=exclusion.has_pictures) as images:
        for entry, picture in images.ahead(found):
            item = entry.item
            if isinstance(item, LeftOut):
                yield item
                continue
            wanted += 1
            if isinstance(picture, str):
                first = first or f"{item.id}: {picture}"
                yield item if spec.allow_missing else LeftOut(item.id, WITHOUT_IMAGE, picture)
                continue
            had += 1
            detail = exclusion.pictured(picture)
            yield LeftOut(item.id, EXCLUDED, detail) if detail else replace(item, path=picture.path)
    if wanted and not had and not spec.allow_missing:
        raise DataError(
            f"none of {wanted:,} captions has an image that can be had; the first: {first}; name the folder of images"
            " (--images), or keep captions without them (--allow-missing)"
        )
