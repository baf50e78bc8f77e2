"""Dual encoders: the answer is the option whose text is nearest to the image."""
