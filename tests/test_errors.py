import errno
import os

import pytest

from ninefold import errors


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "disk is full"),
        (errno.EACCES, "no permission"),
        (errno.ENOENT, "no such file or folder"),
        (errno.ENOTDIR, "is a file, not a folder"),
        (errno.EROFS, "read-only"),
    ],
)
def test_an_error_of_the_operating_system_names_the_path_and_what_to_do(number, hint):
    line = errors.system_error(OSError(number, os.strerror(number), "runs/base"))
    assert line.startswith("runs/base: ")
    assert hint in line
    assert "\n" not in line


def test_an_error_of_the_operating_system_is_found_behind_a_librarys_own():
    wrapped = RuntimeError("cannot save")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert "disk is full" in errors.system_error(wrapped)
    rust = RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    assert "disk is full" in errors.system_error(rust)


def test_an_error_without_a_number_keeps_its_first_line():
    assert errors.system_error(OSError("llava: not cached\nsee the documentation")) == "llava: not cached"
    assert errors.system_error(OSError(errno.EPROTO, "Protocol error", "x")) == "x: Protocol error"


def test_other_exceptions_are_none_of_the_operating_systems():
    assert errors.system_error(ValueError("shapes differ")) is None
    handled = ValueError("shapes differ")
    handled.__context__, handled.__suppress_context__ = OSError(errno.ENOENT, "gone"), True
    assert errors.system_error(handled) is None
    assert errors.first_line(ValueError()) == "ValueError"
    assert errors.first_line(ValueError("\n  two\nlines")) == "two"


def test_a_message_of_any_length_keeps_its_first_and_its_last_words():
    line = errors.printable("row " + "x\n" * 9999 + ": make it again")
    assert line.startswith("row x\\nx") and line.endswith(": make it again") and len(line) < 2 * errors.LONGEST
