"""Figure files: the same figure as PDF, PNG and SVG, recognized by their maker and a hash."""

import hashlib
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from warnings import catch_warnings, filterwarnings
from zlib import crc32

from matplotlib import rc_context
from matplotlib.figure import Figure, SubFigure
from matplotlib.transforms import Bbox

from ninefold.errors import RunError
from ninefold.store import write_bytes

MAKER = "ninefold report"
"""Maker of the figures, in their metadata."""


PAGE = ("pdf", "png")
"""Formats of the figures beside a page."""

ALL = ("pdf", "png", "svg")
"""All formats."""

PLACES = 6
"""Decimal places of the position of axes, as a fraction of the figure's size."""

_METADATA = {
    "pdf": {"Creator": MAKER, "CreationDate": None},
    "png": {"Software": MAKER},
    "svg": {"Creator": MAKER, "Date": None},
}

_ENDS = {"pdf": b"", "png": b"\0\0\0\0IEND\xaeB`\x82", "svg": b""}
"""The bytes of a file after the hash of its content."""


def check(folder: Path, stems: Iterable[str], *, formats: Sequence[str] = PAGE, overwrite: bool = False) -> None:
    """Refuse to replace a file that is no figure of a report, or one that was edited.

    Raises:
        RunError: If there is one, edited and not ``overwrite``; the message names it.
    """
    for stem in stems:
        for suffix in formats:
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


def save(drawing: Figure, stem: Path, *, formats: Sequence[str] = PAGE, dots: int = 200) -> None:
    """Write a figure as ``stem.pdf`` and so on; the same figure gives the same bytes.

    Fonts are embedded in PDF as TrueType, which journals require, and text stays text in SVG; no file has a date.

    Args:
        drawing: The figure.
        stem: Path without a suffix.
        formats: Suffixes of the files.
        dots: Dots per inch of PNG.
    """
    options = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": MAKER}
    with rc_context(options), catch_warnings():
        # A name in a script that the font lacks is drawn as boxes.
        filterwarnings("ignore", "Glyph .* missing from font")
        # The layout is computed once: each format would compute it again.
        if engine := drawing.get_layout_engine():
            engine.execute(drawing)
        drawing.set_layout_engine("none")
        _round_layout(drawing)
        for suffix in formats:
            buffer = io.BytesIO()
            drawing.savefig(buffer, format=suffix, dpi=dots, metadata=_METADATA[suffix], facecolor="white")
            write_bytes(stem.with_name(f"{stem.name}.{suffix}"), _sealed(buffer.getvalue(), suffix))


def _round_layout(part: Figure | SubFigure) -> None:
    """Round the place of axes: the layout's solver sums in an order that is another in each process."""
    for inner in part.subfigs:
        inner.bbox_relative.set_points(inner.bbox_relative.get_points().round(PLACES))
        _round_layout(inner)
    for axes in part.axes:
        axes.set_position(Bbox(axes.get_position(original=True).get_points().round(PLACES)))


def _sealed(content: bytes, suffix: str) -> bytes:
    """Return a file with a hash of its content near its end, by which a figure that was edited is recognized."""
    body = content.removesuffix(_ENDS[suffix])
    return body + _seal(body, suffix) + _ENDS[suffix]


def _is_sealed(content: bytes, suffix: str) -> bool:
    body = content.removesuffix(_ENDS[suffix])[: -len(_seal(b"", suffix))]
    return content == body + _seal(body, suffix) + _ENDS[suffix]


def _seal(body: bytes, suffix: str) -> bytes:
    """Return the hash of a file's content, as a comment of PDF or SVG, or a text of PNG."""
    digest = hashlib.sha256(body).hexdigest().encode()
    if suffix == "pdf":
        return b"% sha256 " + digest + b"\n"
    if suffix == "svg":
        return b"<!-- sha256 " + digest + b" -->\n"
    text = b"sha256\0" + digest
    return len(text).to_bytes(4) + b"tEXt" + text + crc32(b"tEXt" + text).to_bytes(4)
