"""Names, hub ids and folders, and what is said of those that are none."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ninefold.errors import ModelError
from ninefold.models import families
from ninefold.models.families import FAMILIES, GENERIC, NANO_PRESET, find


@pytest.mark.parametrize(
    ("name", "family", "path"),
    [
        ("qwen2-vl", "qwen2-vl", "Qwen/Qwen2-VL-7B-Instruct"),
        ("llava-next", "llava-next", "llava-hf/llava-v1.6-vicuna-7b-hf"),
        ("Qwen/Qwen2-VL-2B-Instruct", "qwen2-vl", "Qwen/Qwen2-VL-2B-Instruct"),
        ("HuggingFaceTB/SmolVLM-Instruct", "any other", "HuggingFaceTB/SmolVLM-Instruct"),
    ],
)
def test_names_and_hub_ids(name: str, family: str, path: str) -> None:
    checkpoint = find(name)
    assert (checkpoint.family.name, checkpoint.path, checkpoint.name) == (family, path, name)


def test_the_nano_comes_with_the_package() -> None:
    checkpoint = find("nano")
    assert checkpoint.family is FAMILIES["llava"]
    assert checkpoint.nano
    assert checkpoint.preset is NANO_PRESET
    assert Path(checkpoint.path).parts[-4:] == ("ninefold", "models", "weights", "llava")


@pytest.mark.parametrize(
    ("config", "family"),
    [
        ({"model_type": "qwen2_vl"}, FAMILIES["qwen2-vl"]),
        ({"model_type": "llava_next"}, FAMILIES["llava-next"]),
        ({"model_type": "llavaonevision1_5"}, FAMILIES["llava-onevision"]),
        ({"model_type": "molmo"}, FAMILIES["molmo"]),
        ({"model_type": "clip"}, FAMILIES["clip"]),
        ({"model_type": "smolvlm"}, GENERIC),
        ({"model_type": "llava", "ninefold_nano": True}, FAMILIES["llava"]),
    ],
)
def test_a_folder_belongs_to_the_row_of_its_configuration(
    tmp_path: Path, config: dict[str, object], family: object
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    checkpoint = find(str(tmp_path))
    assert checkpoint.family is family
    assert (checkpoint.path, checkpoint.name, checkpoint.local) == (str(tmp_path), tmp_path.name, True)
    assert checkpoint.nano == ("ninefold_nano" in config)


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"qwen2vl: no model of this name.*did you mean qwen2-vl"):
        find("qwen2vl")
    with pytest.raises(ModelError, match=r"a server is named openai:http://here:8000/v1"):
        find("http://here:8000/v1")
    with pytest.raises(ModelError, match="`ninefold models` lists"):
        find("zzzzzz")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no checkpoint, as it has no config.json"),
        ({"config.json": "{"}, "not readable as JSON"),
        ({"config.json": "[]"}, "names no model_type"),
        ({"adapter_config.json": "{}"}, "holds an adapter, not a model"),
        ({"adapter/adapter_config.json": "{}"}, "holds an adapter, not a model"),
    ],
)
def test_a_folder_that_is_no_checkpoint(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(ModelError, match=message):
        find(str(tmp_path))


def test_the_table_and_the_training_spec_import_nothing_heavy() -> None:
    code = (
        "import sys, ninefold.models.families, ninefold.training.spec; "
        "assert not {'torch', 'transformers', 'pandas', 'datasets', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_but_its_row_and_its_port_knows_a_family() -> None:
    package = Path(families.__file__).parents[1]
    rooms = [package / "models", package / "training", package / "evaluation"]
    own = [package / "models" / "families.py", package / "models" / "ports"]
    known = {name for row in FAMILIES.values() for name in (row.name, *row.model_types, *row.checkpoints)}
    known -= {"clip"}  # a mode of numpy's, too
    for path in (path for room in rooms for path in room.rglob("*.py")):
        if any(path.is_relative_to(room) for room in own):
            continue
        tree = ast.parse(path.read_text())
        said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        assert not said & known, path
