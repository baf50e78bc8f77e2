"""Facts tested against boxes: repair, matching of phrases, decisions, and the whole check."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ninefold.captions.geometry import decide
from ninefold.captions.geometry.boxes import Box, Labelled, box_of, labelled
from ninefold.captions.geometry.check import Fact, by_chance, check
from ninefold.captions.geometry.matching import match
from ninefold.captions.geometry.run import check_geometry
from ninefold.captions.layout import CAPTIONS, SCHEMAS
from ninefold.cli.app import main
from ninefold.errors import DataError

DATA = Path(os.environ.get("NINEFOLD_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
REAL = DATA / "captions" / "iiw_250_with_boxes.jsonl"


def a_box(*corners: float, **more: bool) -> Box:
    """Return a box of x_min, y_min, x_max, y_max."""
    return Box(*corners, **more)


LAMP, SOFA, RUG = (
    Labelled(0, "Lamp", "A white lamp.", a_box(100, 300, 200, 500)),
    Labelled(1, "Leather sofa", "A brown leather sofa.", a_box(400, 450, 800, 800)),
    Labelled(2, "Rug", "", a_box(300, 700, 950, 950)),
)
ROOM = (LAMP, SOFA, RUG)


@pytest.mark.parametrize(
    ("coords", "expected"),
    [
        (["100", "20", "900", "30"], a_box(20, 100, 30, 900)),
        ([100, 20, 900, 30.5], a_box(20, 100, 30.5, 900)),
        (["281", "683", "4", "999"], a_box(683, 281, 999, 400, repaired=True)),
        (["15", "683", "3", "999"], a_box(683, 15, 999, 30, repaired=True, ambiguous=True)),
        (["81", "3", "10", "9"], a_box(3, 81, 9, 100, repaired=True)),
        (["0", "122", "72", "271"], a_box(122, 0, 271, 72, ambiguous=True)),
        (["0", "122", "100", "271"], a_box(122, 0, 271, 100)),
    ],
)
def test_repairs_a_lower_edge_that_has_lost_its_zeros(coords: list[object], expected: Box) -> None:
    assert box_of({"normalized_coords": coords}) == expected


@pytest.mark.parametrize(
    "coords",
    [
        None, "1234", [1, 2, 3], [1, 2, 3, "x"], [1, 2, 3, None], ["nan", "1", "2", "3"], [5, 9, 800, 2],
        [700, 0, 300, 9], [0, 0, 0, 9], [True, 0, 9, 9], [-400, 0, 500, 9], [0, 0, 5000, 9], [0, 7, 900, 7],
    ],
)  # fmt: skip
def test_takes_no_malformed_box(coords: object) -> None:
    assert box_of({"normalized_coords": coords}) is None


def test_reads_boxes_in_pixels() -> None:
    found = box_of({"box": [100, 50, 200, 100], "image_size": [1000, 500]})
    assert found and [round(edge, 1) for edge in (*found.range("x"), *found.range("y"))] == [99.9, 299.7, 99.9, 299.7]
    assert box_of({"box": [100, 50, 200, 100]}) is None
    assert box_of({"box": [100, 50, 200, 100], "image_size": [0, 500]}) is None


@pytest.mark.parametrize("objects", [None, "text", 7, {"label": "x"}])
def test_takes_no_objects_from_what_is_no_list(objects: object) -> None:
    assert not list(labelled(objects))


def test_keeps_the_place_of_an_object_that_cannot_be_read() -> None:
    found = list(labelled([None, {"label": 7}, {"label": "Cat", "normalized_coords": [1, 2, 300, 400]}]))
    assert [(thing.index, thing.label, thing.box is None) for thing in found] == [
        (0, "", True), (1, "", True), (2, "Cat", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("phrase", "label", "description"),
    [
        ("a tall lamp", "Lamp", ""),
        ("the bee", "Bumble bee", ""),
        ("The couch with two cushions", "Sofa", ""),
        ("a black and white cat", "Cat", "A cat with white paws"),
        ("an owl", "Owl statue", ""),
        ("a painted ceramic frog", "Frog sculpture", ""),
        ("Fortress Höhenburg", "Hohenburg fortress", ""),
        ("the statue of a king", "Statue", ""),
        ("two-story grey house", "A gray house", ""),
        ("the child’s shoe", "Shoe", ""),
        ("a glass", "Drinking glass", ""),
        ("a woman", "Person", ""),
        ("the trees", "Green trees", ""),
        ("a group of people", "People", ""),
        ("a body of water", "Sea", ""),
        ("the steps", "Staircase", ""),
        ("green grass land", "Grass", ""),
        ("the shelf", "White shelf", "A wooden shelf"),
        ("a black television", "Television", "A flat screen on the white wall"),
        ("an off-white wall", "Wall", "A cream wall"),
        ("the statue of Liberty", "Liberty statue", ""),
        ("two cars", "Cars", ""),
        ("the tabletop", "Table top", ""),
        ("the vehicle", "Red car", ""),
        ("a duck", "Bird", ""),
        ("a saguaro", "Cactus plant", ""),
        ("the bird statue", "Owl statue", ""),
        ("a bright orange sun", "Sun", "A yellow sun"),
        ("blue skies", "Sky", ""),
    ],
)
def test_matches_a_phrase_to_its_label(phrase: str, label: str, description: str) -> None:
    assert match(phrase, [Labelled(0, label, description, a_box(0, 0, 9, 9))]).found


@pytest.mark.parametrize(
    ("phrase", "labels", "why"),
    [
        ("", ["Lamp"], "no phrase"),
        ("a cat and a dog", ["Dog"], "no phrase"),
        ("the chair", ["Table"], "no label"),
        ("a man", ["Woman"], "no label"),
        ("a duck", ["Goose"], "no label"),
        ("a rescue vehicle", ["Porsche car"], "no label"),
        ("the duck statue", ["Owl statue"], "other properties"),
        ("the frame of the window", ["Window"], "no label"),
        ("a red car", ["White car"], "other properties"),
        ("a wooden wall", ["Brick wall"], "other properties"),
        ("a small house", ["Large house"], "other properties"),
        ("the window frame", ["Picture frame"], "other properties"),
        ("another car", ["Car"], "one of several"),
        ("the left window", ["Window"], "one of several"),
        ("the side of the sofa", ["Left side"], "one of several"),
        ("the building", ["Building", "Building"], "several labels"),
        ("the tree", ["Green trees"], "label of several"),
        ("trees", ["Tree"], "label of several"),
        ("a row of houses", ["House"], "label of several"),
    ],
)
def test_matches_no_phrase_that_is_not_one_box(phrase: str, labels: list[str], why: str) -> None:
    found = match(phrase, [Labelled(place, label, "", a_box(0, 0, 9, 9)) for place, label in enumerate(labels)])
    assert found.found is None
    assert why in found.why


def test_a_property_singles_out_one_of_several() -> None:
    doors = [
        Labelled(0, "Door", "A blue door with a handle", a_box(0, 0, 9, 9)),
        Labelled(1, "Door", "A tall red door of a church", a_box(20, 0, 29, 9)),
    ]
    assert match("a red door", doors).found == doors[1]
    assert match("the door", doors).found is None
    trees = [Labelled(0, "Tree", "", a_box(0, 0, 9, 9)), Labelled(1, "Trees", "", a_box(0, 0, 9, 9))]
    assert match("three trees", trees).found == trees[1]
    plants = [Labelled(0, "Plant", "", a_box(0, 0, 9, 9)), Labelled(1, "Trees", "", a_box(0, 0, 9, 9))]
    assert match("the tree", plants).found is None


def verdicts(objects: tuple[Labelled, ...], *facts: Fact) -> list[str]:
    return [verdict.outcome for verdict in check(facts, objects)]


def a_fact(relation: str, subject: str, thing: str = "", frame: str = "viewer", described: int | None = None) -> Fact:
    return Fact("caption", 0, relation, frame, subject, thing, "", described)


@pytest.mark.parametrize(
    ("fact", "outcome"),
    [
        (a_fact("left", "the lamp", "the sofa"), "confirmed"),
        (a_fact("right", "the lamp", "the sofa"), "contradicted"),
        (a_fact("right", "a sofa", "the lamp"), "confirmed"),
        (a_fact("above", "the lamp", "the rug"), "confirmed"),
        (a_fact("below", "the lamp", "the rug"), "contradicted"),
        (a_fact("left", "the rug", "the sofa"), "contradicted"),
        (a_fact("on", "the sofa", "the rug"), "confirmed"),
        (a_fact("on", "the lamp", "the rug"), "contradicted"),
        (a_fact("between", "the sofa", "the lamp and the rug"), "confirmed"),
        (a_fact("front", "the sofa", "the lamp"), "undecided"),
        (a_fact("next_to_beside_adjacent", "the sofa", "the lamp"), "undecided"),
        (a_fact("", "the sofa", "the lamp"), "undecided"),
        (a_fact("left", "the lamp", frame="image"), "confirmed"),
        (a_fact("right", "the lamp", frame="image"), "contradicted"),
        (a_fact("above", "the lamp", frame="image"), "confirmed"),
        (a_fact("central_position", "the lamp", frame="image"), "contradicted"),
        (a_fact("central_position", "the sofa", frame="image"), "confirmed"),
        (a_fact("front", "the lamp", frame="image"), "undecided"),
        (a_fact("left", "the lamp", "the rug", frame="part"), "confirmed"),
        (a_fact("left", "the lamp", "the sofa", frame="part"), "undecided"),
        (a_fact("left", "the cat", "the sofa"), "unmatched"),
        (a_fact("left", "the sofa", "the brown couch"), "unmatched"),
        (a_fact("left", "the thing", "the sofa", described=0), "confirmed"),
        (a_fact("left", "the lamp", "the sofa", described=9), "unmatched"),
    ],
)
def test_decides_a_fact(fact: Fact, outcome: str) -> None:
    assert verdicts(ROOM, fact) == [outcome]


def test_counts_inverse_and_repeated_facts_once() -> None:
    left = a_fact("left", "the lamp", "the sofa")
    facts = (left, a_fact("left", "the white lamp", "the couch"), a_fact("right", "the sofa", "the lamp"))
    assert verdicts(ROOM, *facts, a_fact("above", "the lamp", "the sofa")) == ["confirmed", "confirmed"]
    unmatched = (a_fact("left", "the cat", "the sofa"), a_fact("right", "the sofa", "the cat"))
    assert verdicts(ROOM, *unmatched) == ["unmatched"]


RULES: Mapping[str, tuple[decide.Decision, ...]] = {
    # Less than 20 apart; wider than 800; an ambiguous lower edge decides nothing vertical.
    "undecided": (
        decide.LEFT(a_box(0, 0, 100, 100), a_box(20, 0, 120, 100)),
        decide.LEFT(a_box(0, 0, 900, 100), a_box(800, 0, 990, 100)),
        decide.ABOVE(a_box(0, 0, 100, 72, ambiguous=True), a_box(0, 500, 100, 600)),
        decide.OF_IMAGE["left"](a_box(440, 0, 520, 100)),
        decide.on(a_box(100, 100, 200, 200), a_box(0, 0, 999, 999)),
        decide.on(a_box(0, 700, 100, 900), a_box(0, 300, 100, 690)),
        decide.inside(a_box(0, 0, 100, 100), a_box(50, 0, 500, 500)),
        decide.corner(a_box(0, 0, 900, 100)),
        decide.between(a_box(100, 0, 120, 9), [a_box(105, 0, 125, 9), a_box(500, 0, 520, 9)]),
    ),
    "confirmed": (
        decide.LEFT(a_box(0, 0, 100, 72, ambiguous=True), a_box(500, 0, 600, 100)),
        decide.LEFT(a_box(0, 0, 100, 100), a_box(21, 0, 121, 100)),
        decide.inside(a_box(100, 100, 200, 200), a_box(50, 50, 500, 500)),
        decide.corner(a_box(0, 0, 100, 100)),
        decide.between(a_box(300, 0, 320, 9), [a_box(500, 0, 520, 9), a_box(100, 0, 120, 9)]),
    ),
    "contradicted": (
        decide.on(a_box(0, 720, 100, 900), a_box(0, 300, 100, 690)),
        decide.inside(a_box(0, 0, 40, 40), a_box(50, 50, 500, 500)),
        decide.corner(a_box(450, 450, 550, 550)),
        decide.between(a_box(700, 0, 720, 9), [a_box(500, 0, 520, 9), a_box(100, 0, 120, 9)]),
    ),
}


@pytest.mark.parametrize("outcome", RULES)
def test_a_rule_decides_what_boxes_tell(outcome: str) -> None:
    assert [decision.outcome for decision in RULES[outcome]] == [outcome] * len(RULES[outcome])


def test_chance_is_what_the_other_things_reach() -> None:
    (verdict,) = check([a_fact("left", "the lamp", "the sofa")], ROOM)
    assert list(by_chance(verdict, ROOM)) == [False]  # the rug is right of the sofa
    (unmatched,) = check([a_fact("left", "the cat", "the sofa")], ROOM)
    assert not list(by_chance(unmatched, ROOM))


def test_the_word_before_a_phrase_tells_that_it_is_one_of_several() -> None:
    fact = Fact("caption", 0, "left", "viewer", "lamp", "sofa", "Another lamp stands left of the sofa")
    assert verdicts(ROOM, fact) == ["unmatched"]


ROWS = [
    {
        "key": "room",
        "caption": "A lamp is left of the sofa.",
        "objects": [
            {"label": "Lamp", "description": "A lamp on the left.", "normalized_coords": ["300", "100", "500", "200"]},
            {"label": "Sofa", "normalized_coords": ["450", "400", "8", "800"]},
            {"label": "Vase", "normalized_coords": ["0", "400", "72", "800"]},
            {"label": "Thing"},
        ],
    },
    {"key": "other", "caption": "A cat.", "objects": []},
]

PAIRS = [
    # Two pairs of one fact, its inverse, a fact about something else, and one of a description.
    ("room", 0, "left", "viewer", "lamp", "sofa", False),
    ("room", 0, "left", "viewer", "lamp", "sofa", False),
    ("room", 1, "right", "viewer", "sofa", "lamp", False),
    ("room", 2, "on", "viewer", "cat", "sofa", False),
    ("room#object-0", 0, "left", "image", "lamp", "", True),
    ("elsewhere", 0, "left", "viewer", "lamp", "sofa", False),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of pairs, with the file of its captions beside it."""
    names = ("caption_id", "fact", "relation", "frame", "subject", "object", "of_described")
    rows = [{**dict(zip(names, pair, strict=True)), "source_span": ""} for pair in PAIRS]
    (tmp_path / "pairs" / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "pairs" / "data" / "train-00000-of-00001.parquet")
    write_rows(tmp_path / "rows.jsonl", ROWS)
    return tmp_path / "pairs"


def write_rows(path: Path, rows: Sequence[object]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_checks_a_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["captions", "check-geometry", str(folder), "--captions", str(folder.parent / "rows.jsonl")]
    main(command)
    found = json.loads((folder / "geometry.json").read_text())
    assert [found[name] for name in ("confirmed", "contradicted", "undecided", "unmatched")] == [2, 0, 0, 2]
    assert found["confirmed_share"] == 1
    assert 0.3 < found["ci95"][0] < found["ci95"][1] == 1
    assert found["by_relation"]["left"] | {"ci95": 0} == {
        "confirmed": 2, "contradicted": 0, "undecided": 0, "unmatched": 1, "decided": 2, "confirmed_share": 1,
        "ci95": 0, "by_chance": 0,
    }  # fmt: skip
    assert found["by_relation"]["on"]["confirmed_share"] is None
    assert {origin: part["decided"] for origin, part in found["by_origin"].items()} == {
        "captions": 1, "descriptions": 1,
    }  # fmt: skip
    assert found["boxes"] == {"all": 4, "repaired": 1, "ambiguous": 1, "malformed": 1}
    assert (found["captions"], found["captions_without_row"], found["repeated_facts"]) == (3, 1, 1)
    facts = pq.read_table(folder / "geometry.parquet").to_pylist()
    assert [fact["outcome"] for fact in facts] == ["confirmed", "unmatched", "confirmed", "unmatched"]
    assert facts[0]["subject_box"] == [100, 300, 200, 500]
    assert facts[0]["object_labels"] == ["Sofa"]
    shown = capsys.readouterr().out
    assert "confirmed % (95 %)" in shown and f"{folder}: geometry.json has the counts" in shown
    before = [(folder / name).read_bytes() for name in ("geometry.json", "geometry.parquet")]
    main(command)
    assert before == [(folder / name).read_bytes() for name in ("geometry.json", "geometry.parquet")]


def test_finds_rows_by_text_where_no_field_has_the_ids(folder: Path) -> None:
    write_rows(folder.parent / "rows.jsonl", [{**row, "key": "x"} for row in ROWS])
    with pytest.raises(DataError, match="--id-field"):
        check_geometry(folder, folder.parent / "rows.jsonl")
    captions = [{"id": "room", "text": "A lamp is  left of the sofa.", "image": "room.jpg"}]
    pq.write_table(pa.Table.from_pylist(captions, SCHEMAS[CAPTIONS]), folder / CAPTIONS)
    assert check_geometry(folder, folder.parent / "rows.jsonl").all.outcomes["confirmed"] == 2


def test_finds_rows_by_their_numbers_where_captions_have_no_ids(folder: Path) -> None:
    pairs = folder / "data" / "train-00000-of-00001.parquet"
    table = pq.read_table(pairs)
    ids = [value.replace("room", "rows.jsonl:1") for value in table["caption_id"].to_pylist()]
    pq.write_table(table.set_column(0, "caption_id", pa.array(ids)), pairs)
    assert check_geometry(folder, folder.parent / "rows.jsonl").all.outcomes["confirmed"] == 2


def test_ids_of_rows_are_read_as_captions_have_them(folder: Path) -> None:
    write_rows(folder.parent / "rows.jsonl", [{**row, "key": f" {row['key']}\u202e\n"} for row in ROWS])
    assert check_geometry(folder, folder.parent / "rows.jsonl", id_field="key").all.outcomes["confirmed"] == 2


def test_does_not_choose_between_two_rows_of_one_id(folder: Path) -> None:
    write_rows(folder.parent / "rows.jsonl", [*ROWS, ROWS[0]])
    summary = check_geometry(folder, folder.parent / "rows.jsonl", id_field="key")
    assert summary.all.outcomes["unmatched"] == 4


@pytest.mark.parametrize(
    ("rows", "id_field", "message"),
    [
        ([{"key": "room", "objects": None}], None, "'objects'"),
        ([{**ROWS[0], "key": "strange"}], None, "--id-field"),
        (ROWS, "caption", "--id-field"),
    ],
)
def test_says_what_a_file_lacks(folder: Path, rows: list[object], id_field: str | None, message: str) -> None:
    write_rows(folder.parent / "rows.jsonl", rows)
    with pytest.raises(DataError, match=message):
        check_geometry(folder, folder.parent / "rows.jsonl", id_field=id_field)


def test_says_what_a_folder_lacks(folder: Path) -> None:
    with pytest.raises(DataError, match="captions run"):
        check_geometry(folder.parent, folder.parent / "rows.jsonl")
    pq.write_table(pa.table({"id": ["x"]}), folder / "data" / "train-00000-of-00001.parquet")
    with pytest.raises(DataError, match="column missing: caption_id"):
        check_geometry(folder, folder.parent / "rows.jsonl")


def test_says_what_the_captions_of_a_folder_lack(folder: Path) -> None:
    pq.write_table(pa.table({"id": ["room"]}), folder / CAPTIONS)
    with pytest.raises(DataError, match="id or text"):
        check_geometry(folder, folder.parent / "rows.jsonl")


@pytest.mark.skipif(not REAL.is_file(), reason=f"no captions at {REAL}; NINEFOLD_DATA names another folder")
def test_repairs_65_boxes_of_the_real_file() -> None:
    boxes = [thing.box for row in REAL.open() for thing in labelled(json.loads(row)["objects"])]
    assert len(boxes) == 1217
    assert sum(box is not None and box.repaired for box in boxes) == 65
    assert sum(box is not None and box.ambiguous and not box.repaired for box in boxes) == 4
    assert None not in boxes
