"""Inverse and symmetric relations: two statements that are one fact have one key."""

from ninefold.captions.engines.rules.vocabulary import words

Key = tuple[str, str, str, str]
"""Relation, frame, and the two things; the first of a pair of inverse relations stands for both."""

_INVERSE = {"right": "left", "below": "above", "back": "front"}
_SYMMETRIC = words(
    "near_close far next_to_beside_adjacent opposite parallel_to perpendicular_to overlapping_intersecting "
    "connected_attached"
)


def key_of(relation: str, frame: str, subject: str, place: str) -> Key:
    """Return the key of a fact; place is "" where it is told from the picture."""
    if frame == "viewer" and relation in _INVERSE:
        return _INVERSE[relation], frame, place, subject
    if frame == "viewer" and relation in _SYMMETRIC:
        one, other = sorted((subject, place))
        return relation, frame, one, other
    return relation, frame, subject, place
