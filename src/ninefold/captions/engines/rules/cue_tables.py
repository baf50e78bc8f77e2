"""The words that state relations, as tables: before an object, in passives, as verbs, and as places."""

from ninefold.captions.engines.rules.vocabulary import words

INTO = "carved built set cut etched engraved inlaid embedded recessed inset dug"
"""Participles with "into" that tell where something is."""

ONTO = "painted projected printed mounted etched carved built drawn pasted affixed"
"""Participles with "onto" that tell where something is."""

PHRASES = {
    "left": "left of / to the left of / to the immediate left of / immediately left of",
    "right": "right of / to the right of / to the immediate right of / immediately right of",
    "above": "above / over / up above / high above",
    "on": "on / upon / atop / on top of / on the top of / on the surface of / "
    + " / ".join(f"{verb} onto" for verb in ONTO.split()),
    "below": "below / under / beneath / underneath / down below",
    "front": "in front of / out in front of",
    "back": "behind / beyond / in back of / at the back of / in the back of / at the rear of",
    "near_close": (
        "near / at / near to / close to / close by / in close proximity to / in proximity to / nearest to /"
        " nearest / closest to / closer to / in the vicinity of / at the foot of / at the base of"
    ),
    "far": "far from / far away from / distant from / farther from / further from",
    "inside_within": "in / inside / inside of / within / in the interior of / at the inside of / "
    + " / ".join(f"{verb} into" for verb in INTO.split()),
    "outside": "outside / outside of",
    "next_to_beside_adjacent": (
        "next to / against / up against / beside / adjacent to / by / by the side of / at the side of / side by"
        " side with / alongside / on both sides of / on either side of / on each side of / to the side of / on the"
        " side of / to the sides of / at either side of / along both sides of / along either side of / along each"
        " side of / on the sides of"
    ),
    "opposite": (
        "opposite / opposite to / opposite from / across from / directly across from / on the opposite side of /"
        " on the other side of / at the opposite side of"
    ),
    "parallel_to": "parallel to / parallel with / in line with / aligned with / running parallel to",
    "perpendicular_to": (
        "perpendicular to / perpendicular with / at right angles to / at a right angle to / orthogonal to"
    ),
    "toward_towards": "toward / towards",
    "away_from": "away from",
    "between": "between / in between / among / amongst / amid / amidst / in the midst of",
    "through": "through",
    "around": "around / all around",
    "within_boundary": (
        "at the edge of / at the edges of / on the edge of / along the edge of / along the edges of / at the"
        " corner of / in the corner of / on the corner of / at the corners of / in the corners of / at the end of"
        " / at the ends of / along the border of / along the rim of / on the rim of / around the edge of / around"
        " the edges of / around the rim of / on the edges of / near the edge of / on the end of"
    ),
    "central_position": "centered in / centered within / centered on",
    "cardinal_directions": (
        "north of / south of / east of / west of / northeast of / northwest of / southeast of / southwest of"
    ),
    "movement_along": (
        "along / across / along the length of / down the length of / along the side of / along the sides of"
    ),
    "connected_attached": (
        "attached to / connected to / connected with / linked to / linked with / joined to / fixed to / fastened"
        " to / affixed to / mounted to / tied to / strapped to / glued to / nailed to / bolted to / hanging from /"
        " hangs from / hang from / hung from / suspended from / dangling from / extending from / protruding from /"
        " growing from"
    ),
    "overlapping_intersecting": (
        "overlapping with / overlapped with / intersecting with / intertwined with / interlaced with"
    ),
    "part_of": "part of / a part of",
    "facing": "looking at / facing toward / facing towards / looking toward / looking towards",
}
"""Words before an object, by relation; the thing that they describe is the subject."""

BARE = {
    ("on", "top"): ("on", "on top of"),
    ("in", "front"): ("front", "in front of"),
    ("above",): ("above", "above"),
    ("below",): ("below", "below"),
    ("underneath",): ("below", "underneath"),
    ("beneath",): ("below", "beneath"),
    ("behind",): ("back", "behind"),
    ("inside",): ("inside_within", "inside"),
    ("nearby",): ("near_close", "near"),
}
"""Words that need no object after what something is with or has: relation, and wording before that thing."""

REWORDED = {
    "centered in": "in the center of",
    "centered within": "in the center of",
    "centered on": "in the center of",
    "nearest": "near",
    "nearest to": "near",
    "closest to": "near",
    "closer to": "near",
    **{f"{verb} into": "in" for verb in INTO.split()},
    **{f"{verb} onto": "on" for verb in ONTO.split()},
}
"""Phrases that questions and answers say in other words."""

VERBS = {
    ("around", "around"): ("surrounding surrounds surround encircling encircles encircle enclosing encloses framing"),
    ("next_to_beside_adjacent", "on both sides of"): "flanking flanks flank",
    ("on", "on"): "covering covers cover",
    ("on", "on top of"): "topping tops",
    ("facing", "facing"): "facing faces face",
    ("within_boundary", "at the edge of"): "bordering borders",
    ("overlapping_intersecting", "overlapping"): "overlapping overlaps overlap",
    ("overlapping_intersecting", "intersecting"): "intersecting intersects intersect",
    ("movement_along", "along"): "lining lines line",
    ("through", "crossing"): "crossing crosses cross",
    ("toward_towards", "approaching"): "approaching approaches",
    ("between", "between"): "separating separates separate",
}
"""Verbs whose subject is somewhere in respect of their direct object, by relation and its wording."""

HOLDERS = {
    ("inside_within", "in"): "containing contains contain",
    ("on", "on"): "supporting supports support",
}
"""Verbs whose direct object is somewhere in respect of their subject, by relation and its wording."""

PASSIVES = {
    ("around", "around"): "surrounded by / surrounded with / encircled by / enclosed by / framed by / ringed by",
    ("on", "on"): (
        "covered by / covered with / covered in / blanketed by / blanketed in / blanketed with / strewn with /"
        " dotted with / littered with / carpeted with / carpeted in / scattered with"
    ),
    ("on", "on top of"): "topped with / topped by / crowned by / crowned with",
    ("next_to_beside_adjacent", "on both sides of"): "flanked by",
    ("movement_along", "along"): "lined with / lined by",
    ("within_boundary", "at the edge of"): "bordered by / edged by / bordered with",
    ("inside_within", "in"): "filled with",
    ("back", "behind"): "backed by",
    ("overlapping_intersecting", "overlapping"): "overlapped by",
    ("between", "between"): "separated by",
    ("through", "crossing"): "crossed by",
}
"""Passives whose agent is somewhere in respect of their subject, by relation and its wording."""

DIRECTIONS = {
    "left": "left leftmost",
    "right": "right rightmost",
    "above": "top upper uppermost",
    "below": "bottom lower lowest bottommost",
    "central_position": "center centre central middle",
    "back": "background back rear",
    "front": "foreground front",
    "far": "distance",
}
"""Words for a place in the picture or on a thing, by relation."""

ZONE_WORDS = words(
    "very far extreme immediate - hand most two three one outer inner near direct absolute dead entire whole exact"
)
"""Words that can stand beside a direction: "on the far left"."""

ZONE_PREPOSITIONS = words("on at in to along near across within")
"""Prepositions that make a direction a place."""

HOLDING = words("is are shows show features feature has have contains contain reveals displays holds includes")
"""Verbs that say what is in a place: "the foreground features a lake"."""

FILLED = words("filled dominated occupied taken covered")
"""Passives that say by what a place is filled."""

FILLING = words("fills fill filling occupies occupy occupying dominates dominate dominating takes take spans span")
"""Verbs that say what fills a place: "a tower fills the left side of the frame"."""

LOCATED = words(
    "visible present adjacent close next near parallel perpendicular opposite seated located situated "
    "positioned placed alone upright left right far evident noticeable discernible apparent available prominent "
    "asleep afloat central"
)
"""Adjectives after which a place tells where a thing is: "is visible on the left", but not "is dark on the left"."""

STATIC = words(
    "is are was were be been being sits sit sitting sat stands stand standing stood lies lie lying lay laying "
    "lays hangs hang hanging hung rests rest resting located positioned placed situated parked seated seen "
    "visible appears appear mounted perched attached kneels kneeling floats floating grows growing displayed "
    "set built shown found arranged has have had painted printed written featuring there's 's"
)
"""Verbs with which "to the left of" tells where a thing is, not where it goes or turns."""

CHANGED = words(
    "lit lighted illuminated painted colored coloured shaded darkened curved rounded torn worn chipped cracked"
)
"""Participles after which "on the left" is a side of the thing itself: "the moon, lit up on the left side"."""

SEEN = words("seen viewed shown captured visible looking looks taken")
"""Words with which "through" tells where one looks from: "seen through the window"."""

FACING = words("facing faces face looking looks pointing points")
"""Verbs with the direction in which something faces: "is facing left"."""

AIMING = words(
    "ends ending results culminates culminating consists shines shine shining shone gazes gazing stares staring "
    "focuses focused focusing points pointing pointed looks looking glances glancing concentrates based depends "
    "reflects reflecting prevents gleams gleaming beams beaming aimed aiming zoomed zooms centers concentrated "
    "draws drawing contrasts contrasting contrast contrasted pops popping"
)
"""Verbs after which "on", "in" or "at" tells what they act on, not where their subject is."""
