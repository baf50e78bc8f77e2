"""Switches of the shortcuts that make a vision-language model faster and change no answer. No torch here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The shortcuts to take."""

    own_decoding: bool = True
    """Decode with ninefold's own loop; otherwise with `generate` of transformers, and without the other shortcuts."""
    prefix_reuse: bool = True
    """Read the prefix that prompts about one image share, with the image, only once."""
    last_position: bool = True
    """Finish the last layer for the last position alone, the only one that answers need."""


ALL_SHORTCUTS = Shortcuts()
"""All shortcuts."""
