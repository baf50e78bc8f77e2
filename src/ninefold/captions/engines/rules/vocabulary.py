"""The words that the rules know: literal tables, one kind of word each."""


def words(text: str) -> frozenset[str]:
    """Return the words of a text, for tables that read as text."""
    return frozenset(text.split())


PICTURE = words("image picture photo photograph frame shot scene view screenshot pic foto snapshot composition")
"""The picture itself: what is left "of the image" is told from the picture."""

VIEWS = words("view close closeup shot depiction")
"""Words of "a close-up view of a cat", where the cat is what is somewhere."""

PICTURED = PICTURE | words(
    "painting drawing illustration poster print mural portrait sketch cartoon graffiti screen television tv "
    "monitor advertisement billboard banner sticker tattoo emblem engraving tapestry icon stamp scenery artwork "
    "postcard logo label sign caption text cover"
)
"""What can show other things: a cat in "a painting of a cat on a table" is on no table."""

SOLID_DEPICTION = words("statue sculpture figurine figure model toy bust doll replica carving puppet figures")
"""What shows a thing and is itself somewhere: "a statue of a lion on a pedestal" is on it."""

REFLECTION = words("reflection reflections mirage")
"""Nouns for images of things that are elsewhere."""

SHADOWS = words("shadow shadows silhouette silhouettes")
"""Nouns for outlines of things that are elsewhere, which have places of their own."""

MIRRORING = REFLECTION | words("reflecting reflected reflects reflect mirrored mirrors mirroring")
"""Words with which things are seen where they are not."""

PARTS = words(
    "bit lots part parts portion portions top tops end ends tip half halves section sections piece pieces front "
    "back bottom side sides edge edges corner corners rear base level number lot variety couple layer layers "
    "row rows majority pair third quarter rest line lines"
)
"""Words for a part or an amount: with "of" and a thing they name a thing."""

BEFORE_PLURALS = words("few couple lot number dozen hundred thousand")
"""Words that take "a" before a plural: "a few boats", "a couple of dogs"."""

AMOUNTS = BEFORE_PLURALS | words("lots bit handful variety majority plenty")
"""Words that make an amount with "a"; the verb agrees with what there is an amount of."""

COUNTED = words("light level piece space row line section area point work")
"""Words that name a thing with "a" before them: "a white light", but not "light"."""

MASS = words(
    "grass water snow sand dirt gravel ice mud soil fog concrete asphalt glass paper cardboard wood metal stone "
    "brick cement tile carpet fabric leather hay straw foil foliage greenery vegetation ground land earth rock "
    "marble plywood"
)
"""Nouns without an article that are places: "on grass"; "on display" is none."""

AT_PLACES = words(
    "table desk counter bar door window entrance doorway stove piano easel podium gate sink keyboard computer "
    "microphone crosswalk intersection corner curb dock pier bottom top base foot grill register booth "
    "workbench laptop"
)
"""What people and things are at: "sitting at a table"."""

KINDS_OF = words(
    "light piece space spaces area areas section sections source point level setting role type top end edge lot "
    "lots number numbers side work place"
)
"""Words that name a thing with a noun before them: "porch light", "seating area"."""

SHOWN_BY = words("shows showing show depicts depicting depict portrays features featuring displays illustrates")
"""Verbs whose object is in the picture that is their subject."""

ABSTRACT = words(
    "addition aesthetic air ambiance ambience amount angle appearance area arrangement aspect atmosphere "
    "attention attire background backdrop balance beauty bit blur bokeh bottom brightness camera center centre "
    "character charm chaos clarity color colors colour colours combination composition condition contrast "
    "contrasts course day daylight depth detail details difference dimension direction distance edge edges "
    "effect effects elegance emphasis end environment evening event example expression fact fashion feel "
    "feeling focus font foreground form format glimpse glow gradient half hint hue hues impression indication "
    "instance kind lack landscape layout left length lens light lighting look lot manner manners material "
    "middle mood moment morning motion movement night none nothing number one ones orientation other others "
    "overall palette part parts perspective photographer piece place point portion pose position presence "
    "process proportion purpose quality range rear reason rest result rhythm right role saturation scale "
    "scenery scheme season section sections sense setting shade shades shape shapes shine side sides sight size "
    "something sort space spaces spot state style styles subject subjects sunlight sunshine sunset symmetry "
    "term terms texture textures theme thing things time tone tones top touch type types use variation "
    "variations variety vibe viewer viewpoint visibility warmth way weather weight width height work world year "
    "zoom mix majority plenty couple both all each some many most few several another anything everything "
    "observer onlooker surroundings activity action conversation love history culture life century era period "
    "vantage closeup photography glare reflection reflections pov framing darkness illumination silence peace "
    "joy fun accord worry fear concern happiness corner corners shot view scene horizon appears lies sits rests rises "
    "lays hangs shows white black brown grey gray blue red green yellow orange purple pink beige tan gold "
    "silver same capitals little few"
)
"""Heads of noun phrases that name no thing with a place of its own in the picture."""

SURFACES = words("surface interior exterior inside outside front back underside perimeter periphery boundary outline")
"""Nouns that name a part of something told before, unless something says which: "on the surface"."""

SIDE = words(
    "side sides corner corners edge edges half halves third thirds quarter quarters part parts portion portions "
    "area areas section sections quadrant quadrants region regions end ends hand center centre distance ground "
    "border margin rim"
)
"""Nouns that make a direction a place: "the left side"."""

COLORS = words("white black brown grey gray blue red green yellow orange purple pink beige tan gold silver bright dark")
"""Colors, which parsers take for nouns: "is silver on the top"."""

CONTAINERS = words(
    "pane panes zone lane yards aisle aquarium alley apartment arena attic backpack bag balcony bar barn barrel "
    "basement basin basket bath bathroom bathtub bay bed bedroom bin boat booth bottle bowl box bubble bucket "
    "building bus bush bushes cab cabin cabinet cafe cage can car carriage cart case casing cave chair church "
    "city cloud clouds cockpit compartment container cooler cove corridor court courtyard crate cup cupboard "
    "dirt dish doorway drawer driveway enclosure field fields fireplace flowerbed fog folder forest fountain "
    "fridge tank foliage garage garden glass grass grill gravel greenhouse gym hall hallway hand hands harbor "
    "helmet hole hotel house jar jungle kitchen lake lawn leaves lobby lot mall market meadow microwave mouth "
    "mug museum nest net niche ocean office orchard oven pack package pan park pasture patio pen pit plant "
    "planter planters plate plaza pocket pond pool porch pot pots puddle purse rack refrigerator restaurant "
    "river road room rooms sack sand saucer sea shadow shade shed shell shelf ship shop shower sink sky sled "
    "sleeve snow socket soil stable stadium stall stand stands store stream street studio subway suitcase swamp "
    "tent theater toilet tower trailer train tray tree trees trough trunk tub tube tunnel urn valley van vase "
    "vases vat vehicle vehicles village wagon warehouse water waters well wheelbarrow window windows windowsill "
    "woods wrapper yard zoo mud vegetation cityscape marsh stroller wheelchair crib cubby locker envelope "
    "holder holster cell slot alcove recess opening trench ditch gutter bunker pouch carton canal greenery "
    "undergrowth branches hair ear ears lap arms arm beak jaws paw paws bun sandwich salad soup sauce broth "
    "cone foil bouquet bunch wreath crowd audience hillside mountains mountain hills hill desert beach"
)
"""What things can be in; "in" before another noun is mostly an idiom, such as "in attire" or "in a row"."""

POSSESSIVES = words("its his her their")
"""Words before nouns for whose they are."""

PEOPLE = words(
    "man woman boy girl person child kid baby toddler lady guy gentleman player worker rider driver passenger "
    "soldier officer policeman performer dancer singer musician skier skateboarder surfer snowboarder athlete "
    "pedestrian tourist teacher student chef waiter waitress vendor bride groom men women boys girls people "
    "persons children kids ladies guys players workers adult adults teenager couple friend friends nun monk "
    "priest guard cyclist batter pitcher catcher umpire spectator spectators fan fans cowboy actor actress "
    "model mother father son daughter"
)
"""Nouns for people: asked for by "who", and meant by "he", "she" and "they"."""

WORN = words(
    "beard mustache moustache hat cap hair ponytail shirt jacket coat dress glasses sunglasses helmet backpack "
    "scarf tie uniform braid braids hood vest sweater smile"
)
"""What people have on: "a man with a beard on a horse" is about the man."""

LIKENESSES = words("statue figure mannequin marionette doll puppet character sculpture figurine")
"""Things in the shape of people, which "he" and "she" can mean too."""

MALE = words("man boy guy gentleman policeman groom father son cowboy actor monk priest")
"""Nouns that "he" can mean beside those of either sex."""
FEMALE = words("woman girl lady waitress bride mother daughter actress nun")
"""Nouns that "she" can mean beside those of either sex."""

BODY = words(
    "arm arms hand hands finger fingers leg legs foot feet head face eye eyes ear ears nose mouth neck shoulder "
    "shoulders knee knees elbow wrist paw paws tail beak wing wings chest back waist torso hip thumb cheek chin "
    "lip lips forehead body sleeve sleeves eyebrow eyebrows thigh ankle ankles heel hoof hooves horn horns claw "
    "claws"
)
"""Parts of bodies: their left and right are mostly the body's own."""

GROUPS = words(
    "bit lots scattering smattering group pair set bunch stack pile row line cluster patch crowd series "
    "collection slice piece bottle cup glass bowl plate bucket basket bag box jar can vase pot tray flock herd "
    "team couple dozen sheet strip stretch body clump handful array assortment bed bundle string chunk block "
    "trio mound heap layer range variety number lot plenty section part hundred hundreds dozens thousands kind "
    "type sort mass swarm column bouquet field mix mixture majority remainder rest portion multitude fleet pack "
    "drop drops splash spot patches rows piles stacks groups pairs sets bunches clusters slices pieces lines"
)
"""Nouns that only measure what follows "of": "a group of people" is people, and is named in full."""

HEDGES = words(
    "possibly perhaps maybe probably presumably likely apparently seemingly supposedly potentially conceivably "
    "might could may would should"
)
"""Words that make a statement a guess."""

SEEMING = words(
    "think thinks believe believes suppose imagine appear appears appeared appearing seem seems seemed seeming "
    "suggest suggests suggesting imply implies implying indicate indicates indicating assume assumed believed "
    "guess presume presumed thought"
)
"""Verbs that make the statement which they govern a guess."""

NEGATIONS = words("not n't no never without nor neither none nobody nowhere hardly barely cannot absent except unlike")
"""Words that deny what they govern."""

DENIED_HEADS = words("instead lack absence rather than void free devoid missing unlike except despite")
"""Words after which something is named as not there."""

COMPARISONS = words(
    "like as than resembling resembles resemble reminiscent similar mimicking mimics simulating if though"
)
"""Words after which something is named for its likeness only."""

TELLING = words(
    "read reads reading say says saying spell spells spelling state states stating write writes written titled "
    "labeled labelled named called depict depicts depicting depicted portray portrays portraying illustrates "
    "illustrating represents representing symbolizes"
)
"""Verbs whose clause is the content of a text or of a picture."""

SHOWING = words(
    "show shows showing feature features featuring display displays displaying capture captures capturing see "
    "seen contain contains containing include includes including have has having had reveal reveals revealing "
    "present presents presenting hold holds holding carry carries carrying put puts putting place places "
    "placing leave wear wears wearing sport sports boast boasts keep keeps with rest rests resting set cast "
    "casts casting"
)
"""Verbs whose object is what stands at the place that follows: "has a cup on it"."""

CAMERA = words("camera viewer photographer observer lens onlooker viewers audience")
"""Who looks at the picture: no thing in it."""

ING_NOUNS = words(
    "building painting ceiling railing clothing string awning opening siding lettering writing lighting marking "
    "covering casing earring swing spring sling wiring frosting icing topping dressing bedding carving drawing "
    "engraving landing crossing molding moulding edging piping tubing paving flooring roofing seating shelving "
    "stocking scaffolding pudding plumbing duckling sapling seedling dumpling lightning filling coating fencing "
    "netting padding lining plating housing trimming stitching cladding offspring dwelling outbuilding decking "
    "tiling grating banding rigging planking matting paneling panelling upholstering outcropping crosswalk "
    "parking wing ring king nestling gosling yearling fledgling handwriting backing furnishing binding fitting"
)
"""Nouns in "-ing" that are things; other words in "-ing" are verbs, whatever their tag says."""

IRREGULAR = {
    "men": "man", "women": "woman", "children": "child", "people": "person", "feet": "foot", "teeth": "tooth",
    "mice": "mouse", "geese": "goose", "leaves": "leaf", "shelves": "shelf", "knives": "knife", "wolves": "wolf",
    "halves": "half", "loaves": "loaf", "calves": "calf", "scarves": "scarf", "hooves": "hoof", "wives": "wife",
    "lives": "life", "buses": "bus", "glasses": "glass", "lenses": "lens", "ladies": "lady", "policemen": "policeman",
    "oxen": "ox", "potatoes": "potato", "tomatoes": "tomato", "policewomen": "policewoman", "firemen": "fireman",
}  # fmt: skip
"""Singular forms of plurals without a rule."""


def singular(word: str) -> str:
    """Return the singular of a noun in lower case."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith(("ss", "us", "is")) or not word.endswith("s") or len(word) < 4:
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zes")):
        return word[:-2]
    return word[:-1]
