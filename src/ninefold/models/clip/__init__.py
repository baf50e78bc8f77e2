"""Dual encoders, whose answer is the option with the text nearest to the image."""
