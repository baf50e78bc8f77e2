"""Report: figures, tables and one self-contained page."""
