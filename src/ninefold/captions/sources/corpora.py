"""The corpora of captions that are known by their fields: those of the paper's Table 1, and ImageInWords."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PaperCounts:
    """What the paper reports of a corpus (Table 1)."""

    captions: int
    """Number of captions."""
    kept: int
    """Number of captions after the filter and the checks."""
    words: int
    """Mean number of words of a caption."""
    pairs: int
    """Number of pairs."""


@dataclass(frozen=True)
class Corpus:
    """A corpus of captions: how it is known, and what it is."""

    name: str
    """Its name in `ninefold.captions.caption.Caption`."""
    title: str
    """Its name in tables; in Table 1 of the paper, where it is there."""
    text: str
    """The field of the caption."""
    id: tuple[str, ...]
    """The fields of the id, joined by slashes; none where ids are those of rows."""
    image: str
    """The field of the image."""
    signs: frozenset[str]
    """Fields by which, with those above, a file of it is known."""
    licence: str
    """The licence of the captions; that of the images is another."""
    url: str
    """Where it is published."""
    paper: PaperCounts | None = None
    """What the paper reports of it; None if the paper does not use it."""

    def is_of(self, fields: Collection[str]) -> bool:
        """Return whether a file with these fields is of this corpus."""
        return self.signs.union(self.id, (self.text, self.image)) <= set(fields)


CORPORA = (
    Corpus(
        "docci", "DOCCI", "description", ("example_id",), "image_file", frozenset(),
        "CC-BY-4.0", "https://google.github.io/docci", PaperCounts(15_000, 10_000, 136, 108_000),
    ),
    Corpus(
        "localized-narratives", "Localized Narratives", "caption", ("dataset_id", "image_id", "annotator_id"),
        "image_id", frozenset(), "CC-BY-4.0", "https://google.github.io/localized-narratives",
        PaperCounts(849_000, 232_000, 42, 1_226_000),
    ),
    Corpus(
        "pixmo-cap", "PixMo-Cap", "caption", (), "image_url", frozenset({"transcripts"}),
        "ODC-BY-1.0", "https://huggingface.co/datasets/allenai/pixmo-cap",
        PaperCounts(717_000, 214_000, 196, 2_038_000),
    ),
    # Files of ImageInWords hold DOCCI's own description beside the one of ImageInWords.
    Corpus(
        "docci", "DOCCI", "DOCCI", ("image",), "image", frozenset({"IIW"}),
        "CC-BY-4.0", "https://google.github.io/docci", PaperCounts(15_000, 10_000, 136, 108_000),
    ),
    Corpus(
        "iiw", "ImageInWords", "IIW", ("image/key",), "image/key", frozenset(),
        "CC-BY-4.0", "https://github.com/google/imageinwords",
    ),
    Corpus(
        "iiw", "ImageInWords", "IIW", ("image",), "image", frozenset({"DOCCI"}),
        "CC-BY-4.0", "https://github.com/google/imageinwords",
    ),
)  # fmt: skip
"""The forms of their files; the first that fits is meant where no field of the caption is named."""

IMAGE_FILES = (
    ("mscoco", "{:0>12}.jpg"), ("coco", "{:0>12}.jpg"),
    ("flickr30k", "{}.jpg"), ("ade20k", "{}.jpg"), ("open_images", "{}.jpg"), ("openimages", "{}.jpg"),
)  # fmt: skip
"""The image file of an ``image_id`` of Localized Narratives, by the beginning of its ``dataset_id``."""


def corpus_of(fields: Collection[str], text: str | None = None) -> Corpus | None:
    """Return the corpus of a file with these fields whose captions are in the field ``text``; None if it is unknown."""
    return next((each for each in CORPORA if text in (None, each.text) and each.is_of(fields)), None)


def image_file(image: str, row: Mapping[str, Any]) -> str:
    """Return the image of a row by its file name: that of Localized Narratives, whose rows give an id of each set."""
    dataset = str(row.get("dataset_id", "")).lower()
    form = next((form for start, form in IMAGE_FILES if dataset.startswith(start)), "{}")
    return image if "." in image else form.format(image)
