"""Data sets whose rows, manifest and certificate agree with each other, and with nothing else."""

import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from tampering import change, edit_json

from ninefold import store
from ninefold.data import api
from ninefold.data.checks.certificate import certify, verify
from ninefold.data.format.dataset import write
from ninefold.data.make import make
from ninefold.data.sources.synthetic import SyntheticSource, SyntheticSpec
from ninefold.errors import DataError, DesignError, FactError
from ninefold.questions.prompt import prompt
from ninefold.scenes.render import encode_png
from ninefold.space import Cell
from ninefold.types import Scene, Thing

SPECS = {
    "test": SyntheticSpec("test", canvas=36, grid=3, distractors=1, seed=4),
    "train": SyntheticSpec("train", canvas=72, grid=6, distractors=2),
    **{
        name: SyntheticSpec("test", question=name, canvas=36, grid=3)
        for name in ("horizontal_position", "vertical_position", "color", "shape")
    },
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    for name, spec in SPECS.items():
        make(SyntheticSource(spec), folder / name)
    return folder


@pytest.fixture
def forge(made, tmp_path):
    """A function that edits a copy of a set, makes its manifest and certificate agree, and returns what is found."""

    def forged(name, edit=None, edit_manifest=None, **options):
        folder = tmp_path / "set"
        shutil.copytree(made / name, folder)
        split = "train" if name == "train" else "test"
        with pytest.raises(DataError) as error:  # some forgeries cannot even be certified
            if edit:
                change(folder, edit, manifest=True, split=split)
            if edit_manifest:
                edit_json(folder / "manifest.json", edit_manifest)
            store.write_json(folder / "certificate.json", certify(folder))
            verify(folder, **options)
        assert str(folder) in str(error.value)
        return str(error.value)

    return forged


def redraw(example, number, **changes):
    """Change a thing of a row's scene, and draw the scene again."""
    scene = json.loads(example["scene"])
    scene["things"][number].update(changes)
    things = tuple(
        Thing(thing["shape"], thing["color"], thing["size"], Cell(thing["row"], thing["col"]))
        for thing in scene["things"]
    )
    drawn = Scene(things, canvas=scene["canvas"], grid=scene["grid"])
    example.update(scene=store.canonical_json(scene), image={"bytes": encode_png(drawn), "path": None})


def tell(rows):
    for row in rows:
        row["question"] = f"{row['question'][:-1]} ({row['answer']})?"
        row["prompt"] = prompt(row["question"], row["options"])


def test_what_is_made_is_what_its_specification_makes(made):
    for name in SPECS:
        found = api.verify(made / name, reproduce=True)
        rows = sum(part["rows"] for part in found["splits"].values())
        assert found["verdict"] == f"OK: {rows:,} rows, every fact holds, and made again they are the same"


@pytest.mark.parametrize("name", ["test", "color"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda rows: rows.pop(3),
        lambda rows: rows.pop(),
        lambda rows: rows.append(dict(rows[3], id="another")),
        lambda rows: rows[3].update(id=""),
        lambda rows: rows[3].update(id="another"),
        lambda rows: rows.insert(3, rows.pop(5)),
        lambda rows: rows[3].update(group="another"),
        lambda rows: redraw(rows[3], 0, size={"large": "small", "small": "large"}[rows[3]["size"]]),
    ],
)
def test_no_row_is_dropped_doubled_renamed_or_moved(forge, name, edit):
    assert "row " in forge(name, edit)


@pytest.mark.parametrize("name", SPECS)
def test_no_prompt_tells_its_answer(forge, name):
    assert "row " in forge(name, tell)


def test_distractors_are_of_the_family_and_where_they_may_be(forge):
    assert "of the family" in forge("train", lambda rows: redraw(rows[3], 1, shape="plus", color="red"))


def test_distractors_are_the_specified_ones(forge):
    def move(rows):
        things = json.loads(rows[3]["scene"])["things"]
        taken = {(thing["row"], thing["col"]) for thing in things}
        row, col = next((row, col) for row in range(3) for col in range(3) if (row, col) not in taken)
        redraw(rows[3], 1, row=row, col=col)

    assert "its scene is the one that the specification makes" in forge("test", move)


@pytest.mark.parametrize(
    "lie",
    [
        {"seed": 5}, {"seed": 13}, {"seed": -1}, {"seed": "4"}, {"seed": None}, {"distractors": 0}, {"canvas": 72},
        {"grid": 6}, {"antialias": True}, {"split": "train"}, {"split": "test-hard"}, {"question": "color"},
        {"holdout": "block"}, {"relabeling": [0, 1, 2]}, {"more": 1},
    ],
)  # fmt: skip
def test_a_specification_that_lies_is_found(forge, lie):
    forge("test", edit_manifest=lambda manifest: manifest["spec"].update(lie))


@pytest.mark.parametrize(
    "lie",
    [{"labels": ["left", "right"]}, {"answer_format": "short_text"}, {"clustering": "group"}, {"question": "color"}],
)
@pytest.mark.parametrize("name", ["test", "color"])
def test_a_manifest_that_lies_is_found(forge, name, lie):
    if name != lie.get("question"):
        forge(name, edit_manifest=lambda manifest: manifest.update(lie))


def test_a_placement_that_lies_is_found(forge):
    forge("train", edit_manifest=lambda manifest: manifest["spec"].update(placement="other-regions"))


def test_a_missing_setting_is_found(forge):
    forge("test", edit_manifest=lambda manifest: manifest["spec"].pop("relabeling"))


def test_only_what_can_be_made_again_is(made, tmp_path):
    with pytest.raises(DesignError, match="--annotations"):
        api.verify(made / "test", reproduce=True, annotations="a.json")
    with pytest.raises(DesignError, match="--images: is read with --reproduce"):
        api.verify(made / "test", images="images")


def test_every_error_names_the_row_and_the_exit_code_is_of_a_broken_fact(made, tmp_path):
    shutil.copytree(made / "test", tmp_path / "set")
    path = next((tmp_path / "set" / "data").iterdir())
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    with pytest.raises(FactError, match=f"row {table['id'][0]}: in manifest.parquet but not in the data files"):
        api.verify(tmp_path / "set")


def test_making_a_broken_set_names_its_folder_and_no_other(tmp_path):
    source = SyntheticSource(SPECS["test"])
    rows = list(source.splits()["test"].examples)
    rows[3] = replace(rows[3], id=" ")
    with pytest.raises(DataError, match=r"set: test: row  : broken: the id is") as error:
        write(tmp_path / "set", {"test": rows}, about=source.about())
    assert str(error.value).startswith(f"{tmp_path / 'set'}: ") and "partial" not in str(error.value)
