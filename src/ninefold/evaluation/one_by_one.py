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
    lock = threading.Lock()
    closed = False
    synced_at = time.monotonic()

    def noted() -> Iterator[Example]:
        for example in examples:
            if scoring == "choice":
                check_options(example)
            asked.append(example.id)
            yield example

    def keep(example: Example, prediction: Prediction) -> None:
        nonlocal synced_at
        [prediction] = checked_predictions(model.name, [example], [prediction])
        images.check(example.image)
        with lock:
            # After an error or an interruption, a late answer is no longer stored: the file belongs to the next run.
            if not closed:
                is_due = time.monotonic() - synced_at > SECONDS_PER_SYNC
                lines.append(file, [lines.line(example, prediction)], synced=is_due)
                synced_at = time.monotonic() if is_due else synced_at
                _record_changes(model, out)
                advance(advance=1)

    try:
        model.answer_each(noted(), keep, scoring=scoring, max_new_tokens=max_new_tokens, known=frozenset(done))
    finally:
        with lock:
            closed = True
            lines.append(file, [])
    return asked


def _record_changes(model: OneByOne, out: Path) -> None:
    """Keep in the run folder what the server refused of the requests, with that of earlier attempts."""
    path = out / layout.REQUESTS
    changes = dict(model.request_changes)
    if not changes:
        return
    known = store.read_json(path) if path.exists() else {}
    if changes.keys() - known.keys():
        store.write_json(path, {**changes, **known})
