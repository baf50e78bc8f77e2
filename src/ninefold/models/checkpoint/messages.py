"""Messages of libraries while a checkpoint is opened: warnings hidden, any error in one line. No torch here."""

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ninefold.errors import ModelError, NinefoldError


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the progress bars and warnings of transformers; errors are still raised."""
    from transformers.utils import logging

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
def explained(problem: str) -> Iterator[None]:
    """Turn any error of a library into a one-line `ModelError`: the problem, and the library's reason in brackets.

    Files of a checkpoint may hold anything, and transformers, PEFT, tokenizers and safetensors raise what their code
    happens to meet. This is the only place that catches all of it.

    Args:
        problem: What cannot be done, with the name of the model or file.

    Raises:
        ModelError: If anything was raised but an error of ninefold, which is passed on, and an interruption.
    """
    try:
        yield
    except NinefoldError:
        raise
    except BaseException as error:
        # Libraries in Rust raise this one, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ModelError(f"{problem} ({first_line(error)})") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error, or the next one if the first only announces it."""
    lines = [line.strip() for line in inspect.cleandoc(str(error)).splitlines() if line.strip()]
    said = " ".join(lines[: 2 if lines[0].endswith(":") else 1])[:300] if lines else ""
    # The message of a missing key or attribute is its name alone.
    return said if len(said.split()) > 1 else f"{type(error).__name__} {said}".strip()
