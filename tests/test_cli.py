import inspect
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from ninefold.cli import main
from ninefold.cli.commands import COMMANDS


def run(capsys, *arguments):
    """Return the exit code, what was printed and what was said on standard error."""
    code = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = int(stop.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "world"
    main(["nano", "world", "--pictures", "3", "--out", str(folder)])
    return folder


@pytest.fixture(scope="module")
def photos(world):
    main(
        [
            "data",
            "coco",
            "--annotations",
            f"{world}/annotations.json",
            "--images",
            f"{world}/images",
            "--out",
            f"{world}/../set",
        ]
    )
    return world.parent / "set"


def test_help_teaches_and_imports_nothing_heavy():
    script = (
        "import sys\nfrom ninefold.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'transformers', 'matplotlib'}\n"
        "heavy |= {name for name in sys.modules if name.startswith('ninefold.data')}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for name, command in COMMANDS.items():
        assert f"• {name} " in said
        first = inspect.cleandoc(command.type().__doc__).partition("\n\n")[0]
        assert command.summary == " ".join(first.split())
    assert "HEAVY []" in said


@pytest.mark.parametrize(
    "command",
    [
        *("data", "train", "evaluate", "score", "probe", "report", "models", "nano", "nano world"),
        *(
            f"captions{command}"
            for command in ("", " run", " merge", " stats", " check-geometry", " review", " filter")
        ),
    ],
)
def test_every_command_shows_how_it_is_used(capsys, command):
    code, out, _ = run(capsys, *command.split(), "--help")
    assert code == 0
    assert f"ninefold {command}" in out.partition("For example:")[2]
    assert "{None}" not in out
    assert "type:" not in out


def test_models_lists_what_can_be_named(capsys):
    _, out, _ = run(capsys, "models")
    assert "nano" in out
    assert "qwen2-vl" in out


def test_photo_like_pictures_become_a_set_that_verifies(capsys, photos):
    code, out, _ = run(capsys, "data", "verify", photos)
    assert code == 0
    assert "rows" in out
    rows = pq.read_table(photos / "data").to_pylist()
    assert {"image_id", "file_name", "category", "box_x", "border_distance", "cell_row"} <= set(rows[0])


def test_a_broken_set_exits_with_1_and_names_the_row(capsys, photos, tmp_path):
    broken = tmp_path / "broken"
    (broken / "data").mkdir(parents=True)
    for file in photos.iterdir():
        if file.is_file():
            (broken / file.name).write_bytes(file.read_bytes())
    (shard,) = (photos / "data").iterdir()
    table = pq.read_table(shard)
    answers = table["answer"].to_pylist()
    answers[1] = next(label for label in table["options"][1].as_py() if label != answers[1])
    column = table.schema.get_field_index("answer")
    pq.write_table(table.set_column(column, table.schema.field(column), [answers]), broken / "data" / shard.name)
    code, _, err = run(capsys, "data", "verify", broken)
    assert code == 1
    assert table["id"][1].as_py() in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["evaluate", "--model", "nanoo", "--data", "{photos}", "--out", "{out}"], "nano"),
        (["evaluate", "--model", "nano", "--data", "{out}", "--out", "{out}/run"], "{out}"),
        (["data", "synthetic", "--split", "test", "--distractors", "99", "--out", "{out}"], "fit"),
        (["nano", "world", "--pictures", "0", "--out", "{out}"], "one image"),
        (["train", "--model", "nano", "--data", "{photos}", "--out", "{out}"], "`ninefold data coco --split train`"),
        (["score", "{out}"], "{out}"),
        (["score", "{photos}"], "is a data set, not an evaluation"),
        (["report", "{out}"], "{out}"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, photos, tmp_path, arguments, hint):
    places = {"photos": photos, "out": tmp_path / "nothing"}
    code, _, err = run(capsys, *(argument.format(**places) for argument in arguments))
    assert code == 2
    assert err.startswith("ninefold: ")
    assert err.count("\n") == 1
    assert hint.format(**places) in err
