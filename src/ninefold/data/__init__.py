"""Data: examples from anywhere, in one format."""
