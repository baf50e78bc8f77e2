"""Public benchmarks: one file each, the source of its examples and the figures of its answers."""
