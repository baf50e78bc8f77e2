"""Scenes: what stands in a picture and how it is drawn (numpy and Pillow only)."""
