"""Messages of transformers while a checkpoint is opened: warnings off the terminal, errors in one line."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from transformers.utils import logging

from ninefold.errors import ModelError, NinefoldError
from ninefold.models.families import Checkpoint


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the progress bars and warnings of transformers; errors are still raised."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@contextmanager
def explained(checkpoint: Checkpoint) -> Iterator[None]:
    """Turn any error of transformers into a one-line `ModelError` that states why a checkpoint cannot be opened."""
    kind = "a dual encoder" if checkpoint.family.kind == "dual" else "an image-text-to-text model"
    try:
        with quiet():
            yield
    except NinefoldError:
        raise
    except Exception as error:  # The library tokenizers, for example, raises no specific exception.
        raise ModelError(f"{checkpoint.name}: cannot be opened as {kind} ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error, or the next one if the first only announces it."""
    lines = [line.strip() for line in inspect.cleandoc(str(error)).splitlines() if line.strip()]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])[:300] if lines else type(error).__name__
