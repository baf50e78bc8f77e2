"""Figure files: the same figure as PDF for print and PNG for screens, recognized by the name of their maker."""

import io
import os
from collections.abc import Iterable
from pathlib import Path
from warnings import catch_warnings, filterwarnings

from matplotlib import rc_context
from matplotlib.figure import Figure

from ninefold.errors import RunError
from ninefold.store import write_bytes

MAKER = "ninefold report"
"""Maker of the figures, in their metadata."""


def check(folder: Path, stems: Iterable[str]) -> None:
    """Refuse to replace a file that is no figure of a report.

    Raises:
        RunError: If there is one; the message names it.
    """
    for stem in stems:
        for suffix in ("pdf", "png"):
            path = folder / f"{stem}.{suffix}"
            if os.path.lexists(path) and not (path.is_file() and MAKER.encode() in path.read_bytes()):
                raise RunError(f"{path}: is no figure of a report, so it is not replaced; choose another --out")


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
            write_bytes(stem.with_name(f"{stem.name}.{suffix}"), buffer.getvalue())
