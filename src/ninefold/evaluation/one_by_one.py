"""Predictions of a model that answers each example on its own: stored as they come, whatever happens to later ones."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

from ninefold import images, store
from ninefold.evaluation import lines
from ninefold.evaluation.model_output import check_options, checked_predictions
from ninefold.models.protocol import OneByOne
from ninefold.runs import layout
from ninefold.types import Example, Prediction

SECONDS_PER_SYNC = 1.0
"""Minimum seconds between two waits for the disk, which can take longer than an answer."""


def ask_each(
    model: OneByOne,
    examples: Iterable[Example],
    out: Path,
    file: BinaryIO,
    done: Sequence[str],
    *,
    scoring: Literal["generate", "choice"],
    max_new_tokens: int,
    advance: Callable[..., object],
) -> list[str]:
    """Ask the examples that are not answered yet, and append each answer to a file as it comes.

    Args:
        model: The model.
        examples: All examples.
        out: The run folder; changes of the requests are recorded in it.
        file: The file of answers, opened for appending.
        done: Ids of the examples that it answers already.
        scoring: Whether the answer is generated text or the most likely option.
        max_new_tokens: Maximum number of tokens of a generated answer.
        advance: Counts an answer, on a progress display.

    Returns:
        The ids of all examples, in order.

    Raises:
        DataError: If an image cannot be read, or an example has no options to choose from.
        ModelError: If the model cannot answer.
    """
    asked: list[str] = []
    journal = _Journal(model, out, file, advance)
    refused = lines.refused(out / layout.PREDICTIONS_LINES)

    def noted() -> Iterator[Example]:
        for example in examples:
            if scoring == "choice":
                check_options(example)
            asked.append(example.id)
            if example.id not in refused:
                yield example

    try:
        model.answer_each(noted(), journal.keep, scoring=scoring, max_new_tokens=max_new_tokens, known=frozenset(done))
    finally:
        journal.close()
    return asked


class _Journal:
    """The writer of answers as they come, from several threads."""

    def __init__(self, model: OneByOne, out: Path, file: BinaryIO, advance: Callable[..., object]) -> None:
        self._model, self._out, self._file, self._advance = model, out, file, advance
        self._lock = threading.Lock()
        self._closed = False
        self._synced_at = time.monotonic()
        self._recorded: set[str] = set()

    def keep(self, example: Example, prediction: Prediction) -> None:
        """Append the answer to an example."""
        [prediction] = checked_predictions(self._model.name, [example], [prediction])
        images.check(example.image)
        with self._lock:
            # After an error or an interruption, a late answer is no longer stored: the file belongs to the next run.
            if not self._closed:
                is_due = time.monotonic() - self._synced_at > SECONDS_PER_SYNC
                lines.append(self._file, [lines.line(example, prediction)], synced=is_due)
                self._synced_at = time.monotonic() if is_due else self._synced_at
                self._record_changes()
                self._advance(advance=1)

    def close(self) -> None:
        """Append no more."""
        with self._lock:
            self._closed = True
            lines.append(self._file, [])

    def _record_changes(self) -> None:
        """Keep in the run folder what was refused of the requests, with that of earlier attempts."""
        changes = self._model.request_changes
        if changes.keys() <= self._recorded:
            return
        path = self._out / layout.REQUESTS
        store.write_json(path, {**changes, **(store.read_json(path) if path.exists() else {})})
        self._recorded.update(changes)
