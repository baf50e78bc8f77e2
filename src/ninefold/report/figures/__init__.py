"""Figures: one file per kind of chart; the page's SVG and the PDF and PNG are drawn from the same panels."""
