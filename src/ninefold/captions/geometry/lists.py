"""Word lists of the comparison of phrases and labels, as data; each word is in lower case and the singular."""


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

SAME: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "person man", "person woman", "person boy", "person girl", "person child", "person human", "child boy",
        "child girl", "child kid", "person figure", "baby child", "man guy", "woman lady",
        "dog puppy", "cat kitten", "bird goose", "bird duck", "bird pigeon", "bird seagull", "bird owl", "bird parrot",
        "car vehicle", "truck vehicle", "bus vehicle", "van vehicle", "car suv", "car sedan",
        "airplane plane aircraft jet", "boat ship", "boat vessel", "ship vessel", "bicycle bike",
        "motorcycle motorbike bike",
        "sofa couch", "television tv", "cabinet cabinetry cupboard", "refrigerator fridge", "rug carpet", "lamp light",
        "picture photo photograph", "picture image", "picture painting", "painting artwork", "poster picture",
        "statue sculpture", "statue figurine", "sculpture figurine", "statue figure", "sculpture figure",
        "figurine figure", "sign signboard", "sign board", "signage sign", "placard sign",
        "sidewalk pavement", "road street", "road roadway", "lawn grass", "stair staircase", "stair step staircase",
        "staircase stairway", "railing rail handrail", "fence fencing", "pole post", "pillar column",
        "sea ocean", "sea water", "ocean water", "lake water", "river water", "pond water", "pool water",
        "stone rock", "boulder rock", "mountain peak", "bush shrub", "flower bloom", "flower blossom",
        "plant bush", "plant shrub", "skyscraper building", "house building", "church building", "tower building",
        "ground floor", "ground land", "ground soil", "ground dirt", "cloth fabric", "mug cup", "insect bug",
        "insect beetle", "insect bee", "insect butterfly", "trash garbage", "bin can", "tabletop table",
        "screen monitor", "screen television", "screen display", "label sticker", "home house", "hillside hill",
        "structure building", "structure tower", "cup glass", "mug glass", "armchair chair", "receptacle can",
        "receptacle bin", "cave cavern", "castle fortress", "path walkway", "pathway walkway", "path trail",
        "path sidewalk", "net netting", "ceiling roof", "floor flooring", "field lawn", "counter countertop",
        "surface floor", "surface table", "surface tabletop", "surface ground", "surface counter", "surface pavement",
        "text word", "text lettering", "text letter", "text writing", "text inscription", "creature animal",
        "water stream", "platform stage", "dais stage", "rope cord", "wire cable", "railing banister", "beam plank",
        "bag sack", "tablecloth cloth",
        "napkin cloth", "sand beach", "backpack bag", "jar vase", "puppet marionette", "puppet doll", "shop store",
        "fence railing", "dumpster container", "barrel container", "box container", "hedge bush", "block piece",
        "shovel tool", "decoration ornament",
    )
)  # fmt: skip
"""Nouns that can name the same thing, a row for each group."""


def _named(table: str) -> dict[str, frozenset[str]]:
    """Return the names that stand for each word of a table of "names: words" rows."""
    rows = [row.split(":") for row in table.strip().splitlines()]
    return {word: _words(names) for names, words in rows for word in (*names.split()[:1], *words.split())}


COLORS = _named("""
black: blackish
white: whitish ivory
gray: grey silver greyish grayish
red: reddish maroon crimson burgundy
orange: orangish
yellow: yellowish gold golden
green: greenish olive
blue: bluish navy
purple: purplish violet lavender
pink: pinkish magenta
brown: brownish wooden
white brown: off-white beige
brown white yellow: cream
brown orange: tan
brown green: khaki
blue green: teal turquoise
pink orange: peach
""") | {"white": frozenset(("white",)), "brown": frozenset(("brown",)), "blue": frozenset(("blue",))}  # fmt: skip
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
