"""The cue: words of a text that state a relation."""

from dataclasses import dataclass, replace

from ninefold.captions.pair import Frame


@dataclass(frozen=True, slots=True)
class Cue:
    """Words that state a relation."""

    first: int
    """Index of its first token."""
    last: int
    """Index of its last token."""
    relation: str
    """Name of the relation in the taxonomy."""
    wording: str
    """The words that a question or an answer says it with, before the object."""
    frame: Frame = "viewer"
    """What it is told from, as far as the cue tells."""
    is_inverse: bool = False
    """Whether the grammatical object is the one that is somewhere: "covered by snow"."""
    is_zone: bool = False
    """Whether it names a place of the picture or of a thing: "on the left", "at the top of"."""
    needs_object: bool = True
    """Whether it says nothing without an object: "to the left of", but not "on the left"."""
    also: tuple[str, ...] = ()
    """Further relations that the same words state: "bottom left"."""
    holds: bool = False
    """Whether it is a noun phrase whose verb tells what is there: "the left side of the image shows a tree"."""
    can_be_bare: bool = False
    """Whether its object may be what the subject belongs to: "a house with a shed behind"."""


def of_part(cue: Cue) -> Cue:
    """Return the cue of a place in the picture as one of a place on a thing: "at the top of" for "at the top"."""
    side = " side" * (cue.wording.split()[-1] in {"left", "right"})
    return replace(cue, frame="part", wording=f"{cue.wording}{side} of")
