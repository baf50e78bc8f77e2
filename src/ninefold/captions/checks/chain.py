"""The chain of checks: in the order of the paper, each over the pairs that the earlier ones have kept."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from ninefold.captions.caption import Caption
from ninefold.captions.checks.answer import AnswerInCaption
from ninefold.captions.checks.clipscore import ClipScore
from ninefold.captions.checks.duplicates import Duplicates
from ninefold.captions.checks.protocol import Check, Checked
from ninefold.captions.checks.reference import Reference
from ninefold.captions.checks.semantic import Semantic
from ninefold.captions.checks.spatial import Spatial
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ALL_CHECKS, CheckName, ChecksSpec

Pairs = tuple[Caption, Sequence[Pair]]
"""A caption with its pairs."""

WINDOW = 1024
"""Number of pairs that are checked together, so that models compute in batches; an image is never cut."""


class Chain:
    """The checks of a specification, ready to run; models are opened at once, so that a wrong one is told early."""

    def __init__(self, spec: ChecksSpec) -> None:
        """Make the checks.

        Raises:
            DesignError: If a setting or a file of words cannot be used.
            ModelError: If a model cannot be opened.
            OSError: If the file of words cannot be read.
        """
        self._left_out = {
            **{check: "not among --checks" for check in ALL_CHECKS if check not in spec.checks},
            **{check: why for check, why in _without_model(spec).items() if check in spec.checks},
        }
        self.checks: Mapping[CheckName, Check] = {
            check: _MAKERS[check](spec) for check in ALL_CHECKS if check not in self._left_out
        }
        """The checks that run, by name, in their order."""

    @property
    def not_run(self) -> dict[str, str]:
        """The checks that do not run, or not for all pairs, with the reason in words; complete after `run`."""
        limits = {name: check.limits() for name, check in self.checks.items()}
        found = {**self._left_out, **{name: limit for name, limit in limits.items() if limit}}
        return {name: found[name] for name in ALL_CHECKS if name in found}

    def run(self, items: Iterable[Pairs]) -> Iterator[tuple[Caption, list[Checked]]]:
        """Yield each caption with its pairs and the verdict on each, in the given order.

        Args:
            items: Captions with their pairs, streamed; captions of the same image one after the other. Duplicates are
                found among the pairs of such a run of captions; a caption without image is an image of its own.

        Raises:
            DataError: If an image cannot be read.
        """
        window: list[list[tuple[Caption, list[Checked]]]] = []
        size = 0
        for _, captions in groupby(items, key=_image_of):
            image = [(caption, [Checked(pair, caption) for pair in pairs]) for caption, pairs in captions]
            window.append(image)
            size += sum(len(checked) for _, checked in image)
            if size >= WINDOW:
                yield from self._verdicts(window)
                window, size = [], 0
        yield from self._verdicts(window)

    def _verdicts(
        self, window: Sequence[Sequence[tuple[Caption, list[Checked]]]]
    ) -> Iterator[tuple[Caption, list[Checked]]]:
        kept = [[item for _, checked in image for item in checked] for image in window]
        for name, check in self.checks.items():
            for item, detail in check.rejected(kept):
                item.rejected_by, item.detail = name, detail
            kept = [[item for item in image if item.rejected_by is None] for image in kept]
        for image in window:
            yield from image


def _image_of(item: Pairs) -> tuple[str, str]:
    """Return what tells the image of a caption from others."""
    caption = item[0]
    return (caption.image, "") if caption.image else ("", caption.id)


def _without_model(spec: ChecksSpec) -> dict[CheckName, str]:
    """Return the checks that have no model, with the reason why they do not run."""
    models: dict[CheckName, tuple[str | None, str]] = {
        "semantic": (spec.embedding_model, "no --embedding-model is given"),
        "clipscore": (spec.clip_model, "no --clip-model is given"),
    }
    return {check: why for check, (model, why) in models.items() if model is None}


_MAKERS: Mapping[CheckName, Callable[[ChecksSpec], Check]] = {
    "duplicates": Duplicates,
    "semantic": Semantic,
    "reference": Reference,
    "answer": AnswerInCaption,
    "clipscore": ClipScore,
    "spatial": Spatial,
}
"""How each check is made."""
