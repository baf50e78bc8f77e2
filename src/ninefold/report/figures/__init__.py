"""Figures: one file for each kind of chart; the page's SVG and the PDF and PNG are drawn from the same panels."""
