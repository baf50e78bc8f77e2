"""Figure files: the same figure as PDF for print and PNG for screens, recognized by their maker and a hash."""

import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from warnings import catch_warnings, filterwarnings
from zlib import crc32

from matplotlib import rc_context
from matplotlib.figure import Figure

from ninefold.errors import RunError
from ninefold.store import write_bytes

MAKER = "ninefold report"
"""Maker of the figures, in their metadata."""


_ENDS = {"pdf": b"", "png": b"\0\0\0\0IEND\xaeB`\x82"}
"""The bytes of a file after the hash of its content."""


def check(folder: Path, stems: Iterable[str], *, overwrite: bool = False) -> None:
    """Refuse to replace a file that is no figure of a report, or one that was edited.

    Raises:
        RunError: If there is one, edited and not ``overwrite``; the message names it.
    """
    for stem in stems:
        for suffix in ("pdf", "png"):
            path = folder / f"{stem}.{suffix}"
            if not os.path.lexists(path):
                continue
            content = path.read_bytes() if path.is_file() else b""
            if MAKER.encode() not in content:
                raise RunError(f"{path}: is no figure of a report, so it is not replaced; choose another --out")
            if not overwrite and not _is_sealed(content, suffix):
                raise RunError(
                    f"{path}: was edited, or written by an earlier version; move it away or replace it with --overwrite"
                )


def save(drawing: Figure, stem: Path) -> None:
    """Write ``stem.pdf`` and ``stem.png`` (200 dots per inch); the same figure gives the same bytes.

    Fonts are embedded as TrueType, which journals require; no file contains a date.
    """
    with rc_context({"pdf.fonttype": 42}), catch_warnings():
        # A name in a script that the font lacks is drawn as boxes.
        filterwarnings("ignore", "Glyph .* missing from font")
        # The layout is computed once: each format would compute it again, which draws every text.
        drawing.draw_without_rendering()
        drawing.set_layout_engine("none")
        for suffix, metadata in (("pdf", {"Creator": MAKER, "CreationDate": None}), ("png", {"Software": MAKER})):
            buffer = io.BytesIO()
            drawing.savefig(buffer, format=suffix, dpi=200, metadata=metadata, facecolor="white")
            write_bytes(stem.with_name(f"{stem.name}.{suffix}"), _sealed(buffer.getvalue(), suffix))


def _sealed(content: bytes, suffix: str) -> bytes:
    """Return a file with a hash of its content near its end, by which a figure that was edited is recognized."""
    body = content.removesuffix(_ENDS[suffix])
    return body + _seal(body, suffix) + _ENDS[suffix]


def _is_sealed(content: bytes, suffix: str) -> bool:
    body = content.removesuffix(_ENDS[suffix])[: -len(_seal(b"", suffix))]
    return content == body + _seal(body, suffix) + _ENDS[suffix]


def _seal(body: bytes, suffix: str) -> bytes:
    """Return the hash of a file's content, as a comment of PDF or a text of PNG."""
    digest = hashlib.sha256(body).hexdigest().encode()
    if suffix == "pdf":
        return b"% sha256 " + digest + b"\n"
    text = b"sha256\0" + digest
    return len(text).to_bytes(4) + b"tEXt" + text + crc32(b"tEXt" + text).to_bytes(4)
