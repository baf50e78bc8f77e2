"""The report's page as an output: recognized before it is replaced."""

import hashlib
import os
import re
from collections.abc import Sequence
from html import unescape
from pathlib import Path

from ninefold.errors import RunError
from ninefold.version import __version__

_HEAD_BYTES = 1 << 16
"""Bytes of a page in which its maker and its runs are named."""

_MADE = re.compile(rb'<meta name="generator" content="ninefold [^"]*">')
_NAMES = re.compile(rb'<meta name="ninefold-run-names" content="([^"]*)">')
_RUNS = re.compile(rb'<meta name="ninefold-runs" content="([^"]*)">')

_SEAL = b"<!-- sha256 of this page up to here: "


def sealed(page: str) -> str:
    """Return a page with a hash of its content at its end, by which a page that was edited is recognized."""
    return page + _seal(page.encode(errors="backslashreplace")).decode()


def check_page(out: Path) -> None:
    """Refuse a path at which something else than a report is, or which is no HTML file.

    Raises:
        RunError: If that is so.
    """
    if out.is_dir():
        raise RunError(f"{out}: is a folder; name the HTML file to write, such as {out / 'report.html'}")
    if out.suffix.lower() not in {".html", ".htm"}:
        raise RunError(f"{out}: a report is an HTML file; name it so, such as {out.with_name(out.name + '.html')}")
    if os.path.lexists(out) and (out.is_symlink() or not out.is_file() or not _MADE.search(_head(out))):
        raise RunError(f"{out}: holds something else than a report, so it is not replaced; choose another --out")


def check_content(out: Path, ids: Sequence[str], *, overwrite: bool) -> None:
    """Refuse to replace a report that was edited, or by one that lacks some of its runs.

    Raises:
        RunError: If that is so, and not ``overwrite``.
    """
    if overwrite or not out.is_file():
        return
    content = out.read_bytes()
    body, *_ = content.rpartition(_SEAL)
    if content != body + _seal(body):
        raise RunError(
            f"{out}: was edited, or written by an earlier version; move it away or replace it with --overwrite"
        )
    found, called = _RUNS.search(_head(out)), _NAMES.search(_head(out))
    there = found[1].decode().split() if found else []
    names = unescape(called[1].decode()).split("|") if called else []
    lacking = [name for one, name in zip(there, names, strict=False) if one not in ids]
    if lacking:
        raise RunError(
            f"{out}: holds a report of other runs ({', '.join(lacking)} not named now); name them too, "
            "choose another --out, or replace it with --overwrite"
        )


def is_by_this_version(out: Path) -> bool:
    """Return whether a file is a page that this version of ninefold made."""
    return out.is_file() and f'<meta name="generator" content="ninefold {__version__}">'.encode() in _head(out)


def _seal(body: bytes) -> bytes:
    return _SEAL + hashlib.sha256(body).hexdigest().encode() + b" -->\n"


def _head(page: Path) -> bytes:
    with page.open("rb") as file:
        return file.read(_HEAD_BYTES)
