"""The taxonomy of spatial relations: Table 11 of the paper, 29 relations with 201 keywords and their printed shares.

The paper calls K the share of a keyword within its relation, but its numbers are shares of all matches: the keywords of
a relation add up to the relation's own share, and all relations to 100 % (each within its rounding).
"""

from dataclasses import dataclass

_TABLE = """
left 19.28: left 7.41; at the left 1.27; on the left 1.24; to the left of 3.04; left of 3.75; left side of 1.31; at the left side of 1.25
right 21.65: right 8.04; at the right 1.42; on the right 1.75; to the right of 3.40; right of 4.03; right side of 1.59; at the right side of 1.42
above 2.35: above 1.64; directly above ~0; over 0.37; over the 0.34; upward of ~0; overlying ~0
on 13.04: on 9.29; on top of 1.72; atop ~0; on the top of 0.04; on top 1.72; lying on 0.04; sitting on 0.22; positioned on ~0; placed on ~0; overlying on ~0
below 8.32: below 1.42; under 1.98; beneath 1.29; directly below ~0; down 0.13; underneath 0.04; under the 1.98; below the 1.40; lower 0.06; down from ~0
front 10.60: front 3.66; in front of 3.40; in the front of 0.02; directly in front of ~0; front of 3.51; confronting ~0
back 3.75: back 0.30; behind 3.04; at the back of 0.19; in back of ~0; directly behind ~0; rear of ~0; backing onto ~0; back of 0.22
near_close 1.12: near 0.75; near to 0.02; nearby 0.02; close to 0.32; close by ~0; in proximity to ~0; within sight of ~0
far 2.07: far 1.08; far from 0.28; far away from 0.71; farther than ~0; distant from ~0; remote from ~0
inside_within 7.97: inside 0.56; within 0.15; inside of 0.04; contained in ~0; enclosed by ~0; in 7.22
outside 0.17: outside 0.09; out of 0.09; outer ~0; outside of ~0; outlying ~0
next_to_beside_adjacent 3.60: next to 1.79; beside 0.62; adjacent 0.34; adjacent to 0.34; by 0.19; at the side of 0.30; by the side of ~0; side by side with ~0; contiguous with ~0
opposite 0.17: opposite 0.09; opposite to 0.09; opposite side of ~0; diagonally across ~0; opposite from ~0; opposed to ~0
facing 0.62: facing 0.62; facing toward ~0; looking at ~0; confronting ~0; in view of ~0
parallel_to 0.13: parallel to 0.13; in line with ~0; aligned with ~0; running parallel to ~0
perpendicular_to 0.15: perpendicular to 0.15; perpendicular with ~0; orthogonal to ~0; at right angles to ~0
toward_towards 0.15: toward 0.15; towards ~0; proceeding to ~0; progressing toward ~0; moving toward ~0; heading toward ~0; approaching ~0
away_from 2.80: away 1.40; away from 1.40; moving away from ~0; departing from ~0; receding from ~0; withdrawing from ~0; retreating from ~0
between 0.02: between 0.02; among ~0; amid ~0; amidst ~0; amongst ~0; betwixt ~0
through 0.04: through 0.02; passing through ~0; traversing ~0; transiting ~0; running through ~0; crossing 0.02; piercing ~0
around 0.22: around 0.17; circling ~0; encircling ~0; surrounding 0.04; enveloped by ~0; enclosing ~0; skirting ~0; encompassing ~0; encircled by ~0
overlapping_intersecting ~0: overlapping ~0; overlapping with ~0; intersecting with ~0; interlacing with ~0; intertwined with ~0; interlocking ~0; crisscrossing ~0; interlaced with ~0
connected_attached ~0: connected to ~0; connected with ~0; attached to ~0; attached with ~0; linked to ~0; joined to ~0; contiguous with ~0; linked with ~0; adjoined to ~0
within_boundary 0.65: at the edge of 0.65; at the corner of ~0; on the edge of ~0; bordering ~0; edged by ~0; at the boundary of ~0
cardinal_directions ~0: north of ~0; south of ~0; east of ~0; west of ~0; northeast of ~0; northwest of ~0; southeast of ~0; southwest of ~0
central_position 0.60: center of 0.04; at the center of ~0; in the center of 0.04; middle of 0.26; in the middle of 0.26; in the midst of ~0; amidst ~0
part_of 0.34: part of 0.34; has as a part ~0; consists of ~0; comprising ~0; including ~0; possessing ~0; containing ~0; consisting of ~0; made up of ~0
relative_to 0.02: relative to 0.02; relationship to ~0; in relation to ~0; with respect to ~0; regarding ~0; respecting ~0
movement_along 0.15: along ~0; alongside 0.15; running along ~0; stretching across ~0; progressing along ~0; moving along ~0
"""  # noqa: E501 - a line of the table is a line
"""Relation, its share in percent, and its keywords with theirs; "~0" where the paper prints "~0.00"."""


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of one relation; the same words may stand in another one too."""

    text: str
    """Its words, lower case, with single spaces."""
    relation: str
    """Name of its relation."""
    share: float | None
    """Printed share of all matches, in percent; None where the paper prints "~0.00"."""
    place: int
    """Its place in the table, from 0; the order that decides between keywords that are equal otherwise."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation, with its keywords in the order of the table."""

    name: str
    """Its name in the table, the value of the column ``relation`` of pairs."""
    share: float | None
    """Printed share of all matches, in percent; None where the paper prints "~0.00"."""
    keywords: tuple[Keyword, ...]
    """Its keywords."""


def _read(table: str) -> tuple[Relation, ...]:
    relations: list[Relation] = []
    place = 0
    for line in table.strip().splitlines():
        head, _, tail = line.partition(": ")
        name, share = head.split(" ")
        keywords = []
        for entry in tail.split("; "):
            text, _, printed = entry.rpartition(" ")
            keywords.append(Keyword(text, name, _share(printed), place))
            place += 1
        relations.append(Relation(name, _share(share), tuple(keywords)))
    return tuple(relations)


def _share(printed: str) -> float | None:
    return None if printed == "~0" else float(printed)


RELATIONS = _read(_TABLE)
"""All relations, in the order of the table."""

RELATION_NAMES = tuple(relation.name for relation in RELATIONS)
"""Their names."""

KEYWORDS = tuple(keyword for relation in RELATIONS for keyword in relation.keywords)
"""All keyword entries, in the order of the table; three texts stand in two relations."""

_PLACES = {
    "above": "top / at the top / upper",
    "below": "bottom / at the bottom",
    "front": "foreground / in the foreground",
    "back": "background / in the background",
    "within_boundary": "corner / corners / edge / in the corner / in the corners / along the edge",
    **{
        side: " / ".join(
            [f"{height} {side}" for height in ("upper", "lower", "top", "bottom")]
            + [f"{side} {part}" for part in ("corner", "edge", "foreground", "background", "half", "third")]
        )
        for side in ("left", "right")
    },
}
"""Places in a picture that the table has no keyword for, by the relation that the rules give them."""

PLACES = tuple(
    Keyword(text, relation, None, len(KEYWORDS) + number)
    for number, (text, relation) in enumerate(
        (text, relation) for relation, texts in _PLACES.items() for text in texts.split(" / ")
    )
)
"""Their words. They tell the relation of a pair, and are not counted in the table's statistics."""
