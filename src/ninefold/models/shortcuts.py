"""Switches of the shortcuts, which make a vision-language model faster and change no answer. No torch here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """The shortcuts to use."""

    own_decoding: bool = True
    """Decode with ninefold's own loop; otherwise with transformers' `generate`, slower and without other shortcuts."""
    prefix_reuse: bool = True
    """Compute the prefix that all prompts about one image share, image included, only once."""
    last_position: bool = True
    """Compute the end of the last layer only for the last position, the only one that answers need."""


ALL_SHORTCUTS = Shortcuts()
"""All shortcuts."""
