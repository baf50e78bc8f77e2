"""What the nano world is told; read by the command line, so nothing heavy is imported."""

from dataclasses import dataclass


@dataclass(frozen=True)
class WorldSpec:
    """Photo-like pictures to make."""

    pictures: int = 300
    """How many pictures."""
    seed: int = 1
    """Names the pictures; the bases were trained on streams of other names, so that no seed repeats theirs."""
