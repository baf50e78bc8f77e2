"""The identity of a model, known from its files, is that of the model once it is open."""

import json
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig
from transformers import AutoModelForImageTextToText

from ninefold import store
from ninefold.errors import ModelError
from ninefold.models import identity
from ninefold.models.checkpoint import fingerprint
from ninefold.models.checkpoint.fingerprint import checkpoint_identity
from ninefold.models.compute import device
from ninefold.models.families import find, nano_bases
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec


@pytest.mark.parametrize("name", [*nano_bases(), "tiny_llava", "tiny_clip", "tiny_molmo", "tiny_qwen2_vl"])
def test_what_is_resolved_is_what_is_opened(name: str, request: pytest.FixtureRequest) -> None:
    spec = ModelSpec(str(request.getfixturevalue(name)) if name.startswith("tiny") else name)
    for asked in (spec, replace(spec, dtype="bfloat16")):
        assert identity.resolve(asked) == open_model(asked).identity


def test_on_a_gpu_it_is_the_checkpoints_own_type(
    tiny_llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "on_cpu", lambda _: False)
    copy = tmp_path / "half"
    AutoModelForImageTextToText.from_pretrained(tiny_llava, dtype=torch.bfloat16).save_pretrained(copy)
    config = json.loads((copy / "config.json").read_text())
    for key in ("dtype", "torch_dtype", None):
        stated = {name: value for name, value in config.items() if name != "dtype"} | ({key: "bfloat16"} if key else {})
        (copy / "config.json").write_text(json.dumps(stated))
        # As transformers finds it, in the configuration or else in the weights.
        opened = AutoModelForImageTextToText.from_pretrained(copy, dtype="auto")
        found = checkpoint_identity(find(str(copy)), ModelSpec(str(copy)))
        assert found is not None and found["dtype"] == str(opened.dtype).removeprefix("torch.") == "bfloat16"
    assert checkpoint_identity(find("nano"), ModelSpec("nano"))["dtype"] == "float32"


def test_the_device_is_known_without_torch_where_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device.sys, "platform", "linux")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "_NODES", ("null",))
    assert device.has_gpu() and not device.on_cpu("auto") and device.on_cpu("cpu") and not device.on_cpu("cuda:1")
    assert [device.used_device(name) for name in ("auto", "cpu", "cuda:1")] == ["cuda", "cpu", "cuda:1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not device.has_gpu()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(device, "_NODES", ("no such node",))
    assert device.on_cpu("auto") and device.used_device("auto") == "cpu"


def test_a_hub_id_is_known_by_its_snapshot(tiny_llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with monkeypatch.context() as online:
        online.setattr(identity.hub, "check", lambda repository: None)
        assert identity.resolve(ModelSpec("somebody/something")) is None
    repository = tmp_path / "models--somebody--something"
    commit = "c" * 40
    shutil.copytree(tiny_llava, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    found = identity.resolve(ModelSpec("somebody/something"))
    assert found is not None
    assert (found["name"], found["family"], found["checkpoint"]) == ("somebody/something", "llava", commit)


def test_without_the_hub_one_line_is_said_at_once(
    tiny_llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Away:
        asked = 0

        def head(self, *_: object, **__: object) -> None:
            Away.asked += 1
            raise OSError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.get_session", Away)
    for ask in (identity.resolve, open_model):
        with pytest.raises(ModelError, match=r"^somebody/something: not on this machine, and the .* \(Name or service"):
            ask(ModelSpec("somebody/something"))
    # What was downloaded before is used, and the hub is not asked again.
    repository = tmp_path / "models--somebody--something"
    shutil.copytree(tiny_llava, repository / "snapshots" / ("c" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("c" * 40)
    assert open_model("somebody/something").identity["checkpoint"] == "c" * 40
    assert "cannot be reached (Name or service not known); the copy on this machine is used" in capsys.readouterr().err
    open_model("somebody/something")
    assert Away.asked == 3


def test_a_checkpoint_is_known_by_the_files_that_are_read(tiny_llava: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llava, tmp_path / "copy")
    before = fingerprint.folder_hash(copy)
    for name in ("README.md", "LICENSE", ".gitattributes", "pytorch_model.bin", "figure.png"):
        (copy / name).write_text("x")
    assert fingerprint.folder_hash(copy) == before
    for name in ("modeling_own.py", "vocab.tiktoken", "a file of tomorrow.next"):
        (copy / name).write_text("x")
        assert fingerprint.folder_hash(copy) != before
        (copy / name).unlink()


def test_code_that_comes_with_a_checkpoint_makes_another_model(tiny_llava: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(tiny_llava, tmp_path / "copy"))
    trusted = ModelSpec(str(copy), trust_remote_code=True)
    assert identity.resolve(trusted) == identity.resolve(ModelSpec(str(copy)))
    config = json.loads((copy / "config.json").read_text()) | {"auto_map": {"AutoModel": "own.Own"}}
    (copy / "config.json").write_text(json.dumps(config))
    assert identity.resolve(trusted) != identity.resolve(ModelSpec(str(copy)))


def test_a_served_model_is_the_same_on_every_host() -> None:
    here, there = (identity.resolve(ModelSpec(f"openai:http://{host}/v1#m")) for host in ("a:1", "b.example:2"))
    assert here == there and here is not None and here["name"] == "openai:m"
    # Which model a server has it has to say itself.
    assert identity.resolve(ModelSpec("openai:http://a:1/v1")) is None


def test_what_training_made_is_called_as_its_run(tiny_llava: Path, tmp_path: Path) -> None:
    base = identity.resolve(ModelSpec(str(tiny_llava)))
    store.write_json(tmp_path / "tuning" / "spec.json", {"kind": "training", "model": base})
    shutil.copytree(tiny_llava, tmp_path / "tuning" / "model")
    for folder in (tmp_path / "tuning", tmp_path / "tuning" / "model"):
        assert identity.resolve(ModelSpec(str(folder))) == {**(base or {}), "name": "tuning"}


def test_a_folder_without_an_adapter_is_refused_before_anything_is_opened(tiny_llava: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no adapter, as it has no adapter_config\.json"):
        identity.resolve(ModelSpec(str(tiny_llava), tmp_path))


Hashed = Callable[[object], str]


@pytest.fixture
def hashed(tmp_path: Path) -> Hashed:
    """The hash of an adapter with these settings."""
    (tmp_path / "adapter_model.safetensors").write_bytes(b"")

    def of(settings: object) -> str:
        (tmp_path / "adapter_config.json").write_text(json.dumps(settings))
        return fingerprint.adapter_hash(tmp_path)

    return of


@pytest.mark.parametrize("name", [field.name for field in fields(LoraConfig)])
def test_a_setting_of_lora_is_in_the_hash_unless_it_is_known_to_change_nothing(name: str, hashed: Hashed) -> None:
    # Field by field, so that a new setting of PEFT is hashed until it is known to change nothing.
    inert = {
        "auto_mapping", "base_model_name_or_path", "inference_mode", "lora_dropout", "peft_version", "revision",
        "runtime_config", "task_type",
    }  # fmt: skip
    plain = json.loads(json.dumps(LoraConfig(r=8).to_dict(), default=list))
    for value in ("other", 3, True, [3, 4], {"q_proj": 3}):
        if value != plain.get(name):
            assert (hashed(plain) == hashed(plain | {name: value})) == (name in inert), value


def test_the_order_of_a_setting_matters_unless_it_is_a_set(hashed: Hashed) -> None:
    for name, value in (("target_modules", ["v", "q"]), ("layers_to_transform", [0, 10, 9])):
        assert hashed({name: value}) == hashed({name: value[::-1]})
    for name, value in (("alora_invocation_tokens", [7, 5]), ("trainable_token_indices", [7, 5])):
        assert hashed({name: value}) != hashed({name: value[::-1]})


def test_every_setting_of_an_adapter_that_changes_answers_is_in_its_hash(hashed: Hashed) -> None:
    plain = {"r": 8, "target_modules": ["q", "k", "v"], "peft_type": "LORA"}
    changes: list[dict[str, object]] = [
        {"alpha_pattern": {"q": 4}}, {"rank_pattern": {"q": 4}}, {"use_dora": True}, {"fan_in_fan_out": True},
        {"modules_to_save": ["head"]}, {"layers_to_transform": [0, 1]}, {"lora_bias": True}, {"use_rslora": True},
        {"target_modules": ["q", "k"]}, {"lora_alpha": 2}, {"bias": "all"}, {"a setting of tomorrow": 1},
    ]  # fmt: skip
    assert len({hashed(plain), *(hashed(plain | change) for change in changes)}) == len(changes) + 1
    for same in (
        {
            "base_model_name_or_path": "x",
            "revision": "y",
            "peft_version": "1",
            "inference_mode": True,
            "lora_dropout": 1,
        },
        {"auto_mapping": {"a": 1}, "task_type": "CAUSAL_LM", "use_dora": False, "alpha_pattern": {}, "lora_bias": None},
        {"target_modules": ["v", "q", "k"]},
    ):
        assert hashed(plain | same) == hashed(plain)
    assert hashed(plain | {"layers_to_transform": [1, 0]}) == hashed(plain | {"layers_to_transform": [0, 1]})
    with pytest.raises(ModelError, match=r"adapter_config\.json: holds no JSON object, but a list"):
        hashed([])
