"""The check of photo files: whether a photo can be used."""

from pathlib import Path

from ninefold.data.sources.coco.annotations import Photo
from ninefold.data.sources.protocol import Skips
from ninefold.errors import DataError


def is_sound(folder: Path, photo: Photo, skips: Skips) -> bool:
    """Return whether a photo can be used; one that cannot is counted as skipped, with its reason."""
    problem = _problem(folder / photo.file_name, photo)
    if problem:
        skips.add(f"photo: {problem}", photo.file_name)
    return not problem


def _problem(path: Path, photo: Photo) -> str:
    """Return why a photo cannot be used, or "".

    Models see images with EXIF rotation applied, but a box may have been drawn with or without it. For a rotation by 90
    degrees, the annotated size shows which; if the size is the same both ways, nothing does, and the photo is skipped.
    """
    from ninefold import images

    try:
        if not path.is_file():
            return "missing"
        height, width = images.open_rgb(path).shape[:2]
        turn = images.orientation(path)
    except (DataError, OSError):  # the latter for a file name longer than the system allows
        return "truncated, or not readable as an image"
    if (width, height) != (photo.width, photo.height):
        return "another size than its annotation states (with EXIF rotation applied)"
    if turn != 1 and (turn < 5 or width == height):
        return "EXIF rotation leaves open which way up its boxes were drawn"
    return ""
