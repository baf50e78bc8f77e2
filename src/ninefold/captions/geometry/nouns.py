"""Nouns that can name the same thing, as data; all in lower case and the singular."""

from collections.abc import Iterable
from itertools import product

_SYNONYMS = """
person human
child kid
man guy gentleman
woman lady
dog puppy
cat kitten
airplane plane aircraft jet
boat ship vessel
bicycle bike
motorcycle motorbike
sofa couch
television tv
cabinet cabinetry cupboard
refrigerator fridge cooler
rug carpet
lamp light
picture photo photograph image
poster placard
statue sculpture figurine figure
sign signboard signage
sidewalk pavement
road street roadway
path pathway walkway trail footpath
lawn grass
staircase stairway stair step
railing rail handrail banister guardrail
fence fencing
pole post
pillar column
sea ocean
hill hillside
rock stone boulder
bush shrub hedge
flower bloom blossom
ground soil dirt earth mud land
floor flooring
cloth fabric
bin can receptacle
trash garbage
tabletop table
counter countertop
screen monitor display
cave cavern
castle fortress fort
net netting
wire cable cord
rope cord
plank beam
puppet marionette
text word lettering letter writing inscription
graffiti mural
label sticker
logo emblem
stage platform dais
roof ceiling canopy
home house
bag sack
door gate
"""
"""A row for nouns that mean the same, or that people use for each other."""

_KINDS = """
person: man woman boy girl child toddler baby lady guy worker player rider pedestrian tourist visitor performer soldier
child: boy girl baby toddler
animal: dog cat horse cow sheep goat pig bird fish insect elephant bear zebra giraffe lion tiger monkey ape deer rabbit
animal: squirrel turtle lizard frog snake crab creature
bird: duck goose swan pigeon seagull gull owl parrot crow sparrow eagle hawk heron penguin peacock chicken rooster hen
bird: turkey flamingo stork robin finch hornbill
insect: bee beetle butterfly fly wasp ant dragonfly moth ladybug bug
vehicle: car truck bus van suv sedan motorcycle scooter tractor taxi jeep pickup trailer train tram ambulance
car: suv sedan taxi convertible hatchback jeep coupe automobile minivan
truck: pickup lorry
boat: yacht canoe kayak sailboat ferry raft dinghy
building: house skyscraper church tower castle cathedral temple barn shed cottage cabin hotel apartment mansion
building: structure hut warehouse store shop palace museum mosque
structure: tower bridge
house: cottage cabin bungalow
plant: flower bush fern cactus succulent vine weed
tree: palm pine oak maple evergreen fir conifer cedar birch willow
flower: rose tulip daisy sunflower lily orchid dandelion petunia poppy
cactus: saguaro
statue: bust carving monument
art: painting mural graffiti artwork sculpture drawing
picture: painting artwork print poster drawing portrait
poster: image
sign: board billboard placard
seat: chair stool bench sofa armchair
chair: armchair
table: desk
furniture: chair table sofa bed desk cabinet dresser shelf bookcase bench
container: box bin bucket barrel jar basket dumpster crate
box: carton crate package
cup: mug glass
vase: jar pot urn
pot: planter
bag: purse handbag backpack tote
hat: cap sombrero beanie fedora
cloth: tablecloth napkin towel
light: lantern chandelier bulb spotlight sconce fixture
road: highway lane driveway
path: sidewalk
floor: sidewalk ground
ground: sand floor
surface: floor table tabletop ground counter pavement
grass: turf
field: lawn meadow pasture
mountain: peak
water: sea lake river pond stream pool bay canal creek
rock: pebble
fence: railing
window: windowpane
curtain: drape
rug: mat
blanket: quilt
screen: television
book: notebook magazine
log: stump
tool: shovel
decoration: ornament
piece: block
toy: doll plush figurine
doll: puppet figurine
ornament: bauble
sand: beach
"""
"""A row for each general noun, with specific ones; two specific ones do not name the same thing."""


def _table(rows: Iterable[tuple[Iterable[str], Iterable[str]]]) -> dict[str, frozenset[str]]:
    """Return the nouns that each noun goes with, in both directions."""
    found: dict[str, set[str]] = {}
    for nouns, others in rows:
        for noun, other in product(nouns, others):
            found.setdefault(noun, set()).add(other)
            found.setdefault(other, set()).add(noun)
    return {noun: frozenset(with_it) for noun, with_it in found.items()}


_SAME = _table((row.split(), row.split()) for row in _SYNONYMS.strip().splitlines())
_KIND = _table(
    (general.split(), specific.split()) for general, specific in (row.split(":") for row in _KINDS.strip().splitlines())
)


def same_noun(noun: str, other: str) -> bool:
    """Whether two nouns in the singular mean the same, or are used for each other."""
    return noun == other or other in _SAME.get(noun, ())


def is_kind(noun: str, other: str) -> bool:
    """Whether one of two nouns in the singular is more general than the other, as "vehicle" is than "car"."""
    return other in _KIND.get(noun, ())
