"""Checkpoints and adapters changed at random: answers, or one line that says what is wrong.

``NINEFOLD_FUZZ=5000`` tries that many changes instead of the few of a normal run.
"""

import copy
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model
from tiny import save_tiny_clip, save_tiny_llava, save_tiny_molmo, save_tiny_qwen2_vl, some_examples
from transformers import AutoModel, AutoModelForImageTextToText

from ninefold.errors import NinefoldError
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec

CHANGES = int(os.environ.get("NINEFOLD_FUZZ", "15"))
ASKED = some_examples(4)[:1]

SAVERS = {"llava": save_tiny_llava, "clip": save_tiny_clip, "molmo": save_tiny_molmo, "qwen2": save_tiny_qwen2_vl}
if "NINEFOLD_FUZZ" not in os.environ:
    SAVERS = {"llava": save_tiny_llava}

ODD: list[Any] = [
    *(None, True, False, 0, 1, 3, -1, 1.5, 10**6, 10**12, 10**30, float("nan"), float("inf")),
    *("", "x", "float12", "../../x", "\ud800", "a\nb", [], [1], ["x"], {}, {"a": 1}),
]
TEXTS = ["", "null", "[1]", "{}", "3", "[" * 9999, '{"a":' * 9999, "{{", "\0", "{{ messages[9].x.y }}", "{{ 1/0 }}"]


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """Good checkpoints, each with an adapter."""
    found = {}
    for name, save in SAVERS.items():
        base, adapter = (tmp_path_factory.mktemp(name) / part for part in ("base", "adapter"))
        save(base)
        opener = AutoModel if name == "clip" else AutoModelForImageTextToText
        config = LoraConfig(r=2, target_modules=["q_proj", "v_proj", "att_proj"])
        get_peft_model(opener.from_pretrained(base), config).save_pretrained(str(adapter))
        found[name] = base, adapter
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield (*path, key)
        # The thousands of words of a tokenizer are all alike.
        if key not in ("vocab", "merges"):
            yield from places(inner, (*path, key))


def changed(content: Any, data: st.DataObject) -> Any:
    """Set or remove one value of a JSON file."""
    content = copy.deepcopy(content)
    path = data.draw(st.sampled_from([*places(content)]))
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    if data.draw(st.integers(0, 3)) == 0:
        del inner[path[-1]]
    else:
        inner[path[-1]] = data.draw(st.sampled_from(ODD))
    return content


def spoil(path: Path, data: st.DataObject) -> None:
    """Change one file of a checkpoint."""
    whole = path.read_bytes()
    how = data.draw(st.sampled_from(["value", "value", "value", "value", "cut", "gone", "link", "text"]))
    if how == "cut":
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    elif how in ("gone", "link"):
        path.unlink()
        if how == "link":
            path.symlink_to("nowhere")
    elif how == "text" or path.suffix == ".jinja":
        path.write_text(data.draw(st.sampled_from(TEXTS)))
    elif path.suffix == ".json":
        path.write_text(json.dumps(changed(json.loads(whole), data)))
    else:
        size = int.from_bytes(whole[:8], "little")
        header = json.dumps(changed(json.loads(whole[8 : 8 + size]), data)).encode()
        length = data.draw(st.sampled_from([len(header)] * 5 + [0, 1, len(header) + 1, 2**40, 2**63]))
        path.write_bytes(length.to_bytes(8, "little") + header + whole[8 + size :])


@settings(
    max_examples=CHANGES,
    deadline=None,
    database=None,
    derandomize=CHANGES < 1000,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_a_changed_file_is_answered_from_or_one_line(
    bases: dict[str, tuple[Path, Path]], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    base, adapter = bases[data.draw(st.sampled_from(sorted(bases)))]
    folder = tmp_path_factory.mktemp("changed")
    base, adapter = (Path(shutil.copytree(each, folder / each.name)) for each in (base, adapter))
    tuned = data.draw(st.booleans())
    files = sorted(path for path in (adapter if tuned else base).iterdir() if path.suffix != ".md")
    spoil(data.draw(st.sampled_from(files)), data)
    try:
        model = open_model(ModelSpec(str(base), adapter if tuned else None))
        model.predict(ASKED, max_new_tokens=2)
        model.choice_scores(ASKED)
    except NinefoldError as error:
        assert "\n" not in str(error)
    finally:
        shutil.rmtree(folder)
