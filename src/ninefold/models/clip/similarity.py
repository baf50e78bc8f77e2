"""Vectors of images and of free texts in a dual encoder's shared space; their dot products are cosines.

Axes: T texts, D width of the shared space.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ninefold.errors import DataError
from ninefold.models.clip.encoder import Text
from ninefold.models.clip.model import PICTURES, DualEncoder
from ninefold.models.compute.prefetch import prefetch
from ninefold.types import Example, ImageSource

TEXTS = 128
"""Number of texts in a batch."""


def text_vectors(model: DualEncoder, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[bool]]:
    """Return the vectors (T, D) of texts, of norm 1, and whether each text was cut to what the model reads."""
    tokens = [model.encoder.tokens(text) for text in texts]
    longest = model.encoder.longest
    cut = [len(ids) > longest for ids in tokens]
    # A text's vector is taken at its end token.
    fitting: list[Text] = [(*ids[: longest - 1], ids[-1]) if len(ids) > longest else ids for ids in tokens]
    batches = (fitting[start : start + TEXTS] for start in range(0, len(fitting), TEXTS))
    parts = [model.encoded_texts(model.encoder.padded(batch)).numpy() for batch in batches]
    return (np.concatenate(parts) if parts else np.empty((0, 0), np.float32)), cut


def image_vectors(model: DualEncoder, images: Sequence[ImageSource]) -> list[NDArray[np.float32] | DataError]:
    """Return the vector (D) of each image, of norm 1, or the error of one that cannot be read."""
    encoder = model.encoder

    def decoded(image: ImageSource) -> NDArray[np.uint8] | DataError:
        try:
            return encoder.image(Example("", image, "", "", (), ""))
        except DataError as error:
            return error.__cause__ if isinstance(error.__cause__, DataError) else error

    found: list[NDArray[np.float32] | DataError] = []
    for start in range(0, len(images), PICTURES):
        batch = list(prefetch(decoded, images[start : start + PICTURES]))
        readable = [pixels for pixels in batch if not isinstance(pixels, DataError)]
        vectors = iter(model.encoded_images(encoder.pixels(readable)) if readable else ())
        found += [one if isinstance(one, DataError) else next(vectors).numpy() for one in batch]
    return found
