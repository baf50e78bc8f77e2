"""Data: examples of any source, in one format."""
