"""Figure files: the same figure as PDF for print and PNG for screens."""

import io
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure

from ninefold.store import write_bytes


def save(drawing: Figure, stem: Path) -> None:
    """Write ``stem.pdf`` and ``stem.png`` (200 dots per inch); the same figure gives the same bytes.

    Fonts are embedded as TrueType, which journals require; no file contains a date.
    """
    with rc_context({"pdf.fonttype": 42}):
        for suffix, metadata in (("pdf", {"CreationDate": None}), ("png", {"Software": None})):
            buffer = io.BytesIO()
            drawing.savefig(buffer, format=suffix, dpi=200, metadata=metadata, facecolor="white")
            write_bytes(stem.with_name(f"{stem.name}.{suffix}"), buffer.getvalue())
