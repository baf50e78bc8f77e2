"""Off switches of what makes a model faster; none changes an answer. No torch here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """Which short cuts are taken."""

    own_decoding: bool = True
    """Answers are written by ninefold's own loop; without it by transformers' `generate`, and without the others."""
    prefix_reuse: bool = True
    """What questions about one picture begin with, the picture included, is read once."""
    last_position: bool = True
    """The last layer is finished for the last position alone, the only one that answers need."""


ALL_SHORTCUTS = Shortcuts()
"""All of them."""
