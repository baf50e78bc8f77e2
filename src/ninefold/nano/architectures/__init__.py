"""Architectures at nano size, one file per family."""
