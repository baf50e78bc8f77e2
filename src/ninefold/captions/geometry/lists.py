"""Words by which phrases and labels are compared, but for the nouns of their classes, as data; all in lower case."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
    "geese": "goose", "mice": "mouse", "leaves": "leaf", "shelves": "shelf", "knives": "knife", "halves": "half",
    "wolves": "wolf", "loaves": "loaf", "calves": "calf", "scarves": "scarf", "hooves": "hoof", "fishes": "fish",
    "lives": "life", "wives": "wife", "potatoes": "potato", "tomatoes": "tomato", "cacti": "cactus", "oxen": "ox",
    "buses": "bus", "lenses": "lens", "canvases": "canvas", "movies": "movie", "cookies": "cookie", "ties": "tie",
    "fir": "fir", "firs": "fir", "pies": "pie", "shoes": "shoe", "horses": "horse", "houses": "house",
    "vases": "vase", "bases": "base", "roses": "rose", "axes": "axe",
}  # fmt: skip
"""Plurals that spelling alone does not tell, with their singulars."""

ONE_THING = _words("stairs steps words letters glasses pants trousers jeans shorts scissors skies waters woods grounds")
"""Plurals that name one thing, such as the "steps" of a staircase."""

PLURAL_ONLY = _words("glass grass gas lens canvas series species christmas chess moss atlas texas always")
"""Nouns that end like a plural and are none."""


def _named(table: str) -> dict[str, frozenset[str]]:
    """Return the names that stand for each word of a table of "names: words" rows; a single name is a word too."""
    rows = [(names.split(), words.split()) for names, words in (row.split(":") for row in table.strip().splitlines())]
    return {word: frozenset(names) for names, words in rows for word in (*words, *(names if len(names) == 1 else ()))}


COLORS = _named("""
black: blackish
white: whitish ivory
gray: grey silver greyish grayish
red: reddish maroon crimson burgundy
yellow: yellowish gold golden
green: greenish olive
blue: bluish navy
purple: purplish violet lavender
pink: pinkish magenta
brown: brownish wooden
white brown: off-white beige
brown white yellow: cream
brown orange: tan
orange yellow: orange orangish amber
brown green: khaki
blue green: teal turquoise
pink orange: peach
""")
"""Color words, with the one or more colors that people may name instead."""

MATERIALS = _named("""
wood: wooden bamboo
metal: metallic iron steel brass bronze copper
glass:
plastic:
stone: marble granite
brick:
concrete: cement
leather:
paper: cardboard
cloth: fabric
tile: tiled
ceramic: porcelain clay
""")
"""Words of materials, likewise."""

SIZES = _named("""
small: little tiny smaller
large: big huge larger bigger giant
""")
"""Words of size, likewise."""

PROPERTIES = (COLORS, MATERIALS, SIZES)
"""The kinds of properties by which things of one class are told apart."""

QUANTITIES = _words(
    "two three four five six seven eight nine ten several many few multiple various numerous dozen couple all both"
)
"""Words that count what follows."""

SELECTING = _words(
    "another other second third fourth fifth last next each every either neither one ones "
    "rest remaining leftmost rightmost topmost uppermost "
    "left right upper lower top bottom middle central center front rear back outer inner nearest farthest closest "
    "furthest opposite same first left-hand "
    "right-hand foreground background part portion section half side edge corner end"
)
"""Words of a phrase that single out one of several things, or a part: it is not the one labelled thing."""

WEAK = _words(
    "frame top board pole panel plate part surface structure piece trunk post box line machine screen area field "
    "court station bar stand case book ball base item object thing cover holder number zone tower cap head rack sign "
    "light building statue sculpture"
)
"""Nouns that say little alone: where phrase and label both have further nouns before them, they must share one."""

ENDS_PHRASE = _words(
    "of with in on at by from to for behind beside under over above below near inside into onto against along "
    "across between that which who whose where wearing holding made covered filled is are has have"
)
"""Words that end the part of a phrase whose last word is its noun."""

OWN_SIDES = _words(
    "person man woman boy girl child baby lady guy human figure dog cat horse bird cow sheep animal bear elephant fish "
    "statue sculpture figurine doll puppet car vehicle truck bus van train boat ship airplane plane aircraft bicycle "
    "motorcycle face head body chair sofa shirt jacket insect bee beetle"
)
"""Things with a left and a right of their own, which need not be the viewer's."""

GENERIC = _words(
    "statue sculpture figurine figure model puppet toy plant flower tree bush bird fish dog cat insect beetle car van "
    "truck vehicle fruit building structure animal artwork art decor decoration ground field land area piece"
)
"""Nouns of labels before which the thing's own name stands, as in "owl statue" or "cactus plant"."""

GROUPS = _words(
    "group row line series bunch cluster pair stack pile set collection number variety couple herd flock crowd range "
    "array dozen handful lot mass"
)
"""Nouns before "of" for several things, which are what follows."""

BODIES = _words("body expanse stretch sheet layer view portrait picture image photo patch")
"""Nouns before "of" for one thing, which is what follows."""
