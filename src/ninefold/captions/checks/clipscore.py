"""The check of image and question: the CLIPScore of the two (section 3, check 4 of the paper)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from ninefold.captions.checks.models import model_spec
from ninefold.captions.checks.protocol import Checked, Image
from ninefold.captions.spec import ChecksSpec
from ninefold.console import warn
from ninefold.errors import DataError

SCALE = 2.5
"""Factor of the CLIPScore (Hessel et al. 2021, section 3); negative cosines count as 0."""


class ClipScore:
    """Rejects pairs whose question is far from the image in the space of a CLIP.

    The paper's threshold of 0.25 has no scale: on the cosine it is strict, and on the CLIPScore of Hessel et al. it
    means a cosine of 0.10. The detail of every pair is its cosine, kept ones too.
    """

    def __init__(self, spec: ChecksSpec) -> None:
        """Take the settings, and open the model.

        Raises:
            ModelError: If the model cannot be opened, or is no CLIP.
        """
        from ninefold.models.clip.model import DualEncoder

        assert spec.clip_model is not None
        self.model = DualEncoder.load(model_spec(spec.clip_model))
        self.threshold = spec.clipscore
        self.is_scaled = spec.clipscore_scale == "2.5 cosine"
        self._without = self._unreadable = self._scored = 0

    def rejected(self, images: Sequence[Image]) -> Iterator[tuple[Checked, str]]:
        """Yield the pairs whose score is below the threshold; pairs without a readable image are not scored."""
        from ninefold.models.clip.similarity import image_vectors, text_vectors

        shown: list[tuple[Image, Path]] = []
        for image in images:
            path = next((item.caption.path for item in image if item.caption.path is not None), None)
            if path is None:
                self._without += len(image)
            else:
                shown.append((image, path))
        questions = list(dict.fromkeys(item.pair.question for image, _ in shown for item in image))
        vectors, cut = text_vectors(self.model, questions)
        of_question = dict(zip(questions, zip(vectors, cut, strict=True), strict=True))
        for (image, _), vector in zip(shown, image_vectors(self.model, [path for _, path in shown]), strict=True):
            if isinstance(vector, DataError):
                if not self._unreadable:  # the first one; `limits` tells how many there are
                    warn(f"{vector}; its questions are not checked against it")
                self._unreadable += len(image)
                continue
            self._scored += len(image)
            for item in image:
                of_text, is_cut = of_question[item.pair.question]
                cosine = float(np.dot(vector, of_text))
                note = f" of the question's first {self.model.encoder.longest} tokens" if is_cut else ""
                item.detail = f"cosine {cosine:.4f}{note}"
                if (SCALE * max(cosine, 0.0) if self.is_scaled else cosine) < self.threshold:
                    yield item, item.detail

    def limits(self) -> str:
        """Return how many pairs have no image, or one that cannot be read, in one line; "" if all were scored."""
        counts = {"without an image": self._without, "with one that cannot be read": self._unreadable}
        total = self._scored + sum(counts.values())
        reasons = " and ".join(f"{count:,} {why}" for why, count in counts.items() if count)
        return f"for {reasons}, of {total:,} pairs" if reasons else ""
