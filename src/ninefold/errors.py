"""Errors a user can meet. Each message is one line: what was wrong, where, and what to do."""

import errno
import re
import unicodedata
from collections.abc import Iterator
from typing import ClassVar


class NinefoldError(Exception):
    """A mistake the user can correct; the command line prints the message alone."""

    exit_code: ClassVar[int] = 2
    """Exit code of the command line."""


class DataError(NinefoldError):
    """A data set, annotation file or image that cannot be used as it is."""


class FactError(DataError):
    """A data set that breaks a statement of its certificate."""

    exit_code = 1


class DesignError(NinefoldError):
    """A design that cannot exist, such as more things than the grid has cells for."""


class ModelError(NinefoldError):
    """A model that cannot be found or loaded, or that cannot do what was requested."""


class PluginError(NinefoldError):
    """A user's own Python file that cannot be imported, or that registers something unusable."""


class RunError(NinefoldError):
    """A run folder that is missing, unfinished, or belongs to another specification."""


ADVICE = {
    errno.ENOSPC: "the disk is full; make room and run the same command again",
    errno.EDQUOT: "the disk quota is used up; make room and run the same command again",
    errno.EACCES: "no permission; choose another path, or change the permissions of this one",
    errno.EPERM: "no permission; choose another path, or change the permissions of this one",
    errno.EROFS: "the file system is read-only; choose another path",
    errno.ENOENT: "no such file or folder; check the path",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another path",
    errno.EISDIR: "is a folder, where a file is needed; choose another path",
    errno.EEXIST: "exists already, as a file where a folder is needed or the reverse; choose another path",
    errno.ENAMETOOLONG: "the file name is too long; choose a shorter one",
    errno.ELOOP: "is a link that leads back to itself; choose another path",
    errno.EFBIG: "the file would be larger than the system allows; raise the limit (ulimit -f), or choose another disk",
    errno.ENXIO: "is a pipe or device, where a file is needed; choose another path",
    errno.EMFILE: "too many files are open; raise the limit (ulimit -n) and run the same command again",
    errno.EIO: "the disk or its connection fails; check it and run the same command again",
}
"""Cause and remedy by the operating system's error number."""

LONGEST = 1000
"""Letters of the longest message; a name or a value in it may be of any length."""

# Format in which libraries written in Rust (safetensors, tokenizers) report an error of the operating system.
_OF_RUST = re.compile(r"os error (\d+)")


def system_error(error: BaseException) -> str | None:
    """Return one line for an error of the operating system, or ``None`` if an exception has another origin.

    The chain of causes is searched too, because libraries wrap such errors in their own exceptions.
    """
    for cause in _chain(error):
        rust = _OF_RUST.search(str(cause))
        number = cause.errno if isinstance(cause, OSError) else int(rust[1]) if rust else None
        if number in ADVICE:
            path = cause.filename2 or cause.filename if isinstance(cause, OSError) else None
            return f"{path}: {ADVICE[number]}" if path is not None else ADVICE[number]
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        return f"{error.object[:200]}: holds bytes that are not UTF-8; rename the file or folder"
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs, or use a machine with more"
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename is not None else ""
        return f"{where}{error.strerror or first_line(error)}"
    return None


def is_full(error: BaseException) -> bool:
    """Whether an error comes from a full disk, or a quota that is used up."""
    return any(isinstance(cause, OSError) and cause.errno in {errno.ENOSPC, errno.EDQUOT} for cause in _chain(error))


def first_line(error: BaseException) -> str:
    """Return the first non-empty line of an exception's message, or its type if it has no message."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)


def printable(text: str) -> str:
    """Return a text for one line of a message: control characters, line breaks and lone surrogates are escaped.

    The middle of a text longer than `LONGEST` is left out: what is wrong stands first, and what to do last.
    """
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(letter: str) -> str:
    # Spaces of other widths do no harm; numbers in messages have them.
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    return letter.encode("unicode_escape").decode("ascii")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
