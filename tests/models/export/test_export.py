"""Exports of adapters are the same model as the adapter on its base, in files that other programs read, or refused."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tiny import some_examples
from transformers import AutoModelForImageTextToText, AutoProcessor

from ninefold.errors import ModelError, NinefoldError, RunError, system_error
from ninefold.models.checkpoint.fingerprint import adapter_hash
from ninefold.models.export import merge
from ninefold.models.export.export import ExportedAdapter, export_adapter
from ninefold.models.export.spec import AdapterExportSpec, AdapterForm
from ninefold.models.export.stored import stored_tensors
from ninefold.models.families import nano_bases
from ninefold.models.load import open_trainable
from ninefold.models.spec import ModelSpec
from ninefold.runs.lineage import base_of

EXAMPLES = some_examples(16)[:1]
# PEFT warns of everything that is tested here.
pytestmark = pytest.mark.filterwarnings("ignore")
LANGUAGE = r".*language_model.*\.(q_proj|v_proj)"


def adapter(base: str, folder: Path, *, scale: float = 0.03, **settings: Any) -> Path:
    """Save an adapter with random weights."""
    model = open_trainable(base)
    config = LoraConfig(**{"r": 4, "lora_alpha": 64, "target_modules": LANGUAGE, **settings})
    network = get_peft_model(model.model, config)
    network.peft_config["default"].base_model_name_or_path = base
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name, weight in network.named_parameters():
            if weight.requires_grad:
                start = weight.detach() if "modules_to_save" in name or "magnitude" in name else 0
                weight.data = start + scale * torch.randn_like(weight)
    network.save_pretrained(str(folder))
    return folder


def exported(run: Path, to: AdapterForm, out: Path, **options: Any) -> ExportedAdapter:
    overwrite = options.pop("overwrite", False)
    return export_adapter(AdapterExportSpec(run, to, **options), out, lambda: EXAMPLES, overwrite=overwrite)


@pytest.mark.parametrize("base", nano_bases())
def test_a_merged_checkpoint_is_the_adapter_on_its_base_for_plain_transformers(base: str, tmp_path: Path) -> None:
    family = nano_bases()[base]
    run = adapter(base, tmp_path / "run", target_modules=family.scopes["vision+language"])
    done = exported(run, "merged", tmp_path / "out")
    assert done.difference.mean < 0.01 * done.difference.adapter
    assert done.difference.same_answers == len(EXAMPLES)
    for path in family.nano.iterdir():  # type: ignore[union-attr]
        if path.name not in {"README.md", "model.safetensors"}:
            assert (tmp_path / "out" / path.name).read_bytes() == path.read_bytes()
    before, after = (load_file(folder / "model.safetensors") for folder in (family.nano, tmp_path / "out"))  # type: ignore[operator]
    differing = [name for name in before if not torch.equal(before[name], after[name])]
    assert before.keys() == after.keys()
    assert len(differing) == done.changed == len(load_file(run / "adapter_model.safetensors")) // 2
    assert base_of(tmp_path / "out")["name"] == base  # type: ignore[index]
    if base == "nano":
        opened = open_trainable(str(tmp_path / "out"))
        batch = opened.training_batch(EXAMPLES, [opened.encoder.image(EXAMPLES[0])])
        plain = AutoModelForImageTextToText.from_pretrained(tmp_path / "out").eval().float()
        expected = opened.logits(opened.model, batch)[0]
        torch.testing.assert_close(opened.logits(plain, batch)[0], expected, rtol=0, atol=1e-3)
        assert AutoProcessor.from_pretrained(tmp_path / "out", backend="pil").tokenizer.eos_token


def test_weights_in_parts_keep_their_parts_and_their_type(tiny_llava: Path, tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    shutil.copytree(tiny_llava, base, ignore=shutil.ignore_patterns("*.safetensors"))
    network = AutoModelForImageTextToText.from_pretrained(tiny_llava, dtype=torch.bfloat16)
    network.save_pretrained(base, max_shard_size="20KB")
    (base / "pytorch_model.bin").write_bytes(b"the base's weights in another form")
    exported(adapter(str(base), tmp_path / "run"), "merged", out)
    assert {path.name for path in base.iterdir()} ^ {path.name for path in out.iterdir()} == {
        *("pytorch_model.bin", "README.md", "export.json"),
    }
    kept, made = stored_tensors(base), stored_tensors(out)
    assert len({tensor.file for tensor in made.values()}) > 3
    for name, tensor in made.items():
        assert (tensor.file.name, tensor.dtype, tensor.begin) == (
            *(kept[name].file.name, torch.bfloat16, kept[name].begin),
        )
    single = PeftModel.from_pretrained(network.float(), str(tmp_path / "run")).merge_and_unload()
    expected = single.model.language_model.layers[1].self_attn.q_proj.weight.to(torch.bfloat16)
    assert torch.equal(made["language_model.model.layers.1.self_attn.q_proj.weight"].read(), expected)
    # An update that rounding to the stored type would lose:
    lost = adapter(str(base), tmp_path / "lost", scale=0.001)
    with pytest.raises(ModelError, match=r"another model than the adapter on its base: .* --to peft"):
        exported(lost, "merged", tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"use_dora": True, "use_rslora": True, "rank_pattern": {"q_proj": 8}, "modules_to_save": ["linear_2"]},
        {"target_modules": r".*fc1", "bias": "all", "modules_to_save": ["lm_head"]},
    ],
)
def test_every_kind_of_change_is_merged(tiny_llava: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    done = exported(adapter(str(tiny_llava), tmp_path / "run", **settings), "merged", tmp_path / "out")
    assert done.difference.largest < 1e-4 < done.difference.adapter


def test_files_of_a_release_keep_its_names(tiny_llava: Path, tmp_path: Path) -> None:
    base, out = tmp_path / "base", tmp_path / "out"
    shutil.copytree(tiny_llava, base)
    released = {
        name.replace("vision_tower.", "vision_tower.vision_model."): tensor
        for name, tensor in load_file(base / "model.safetensors").items()
    }
    # A buffer that transformers no longer has.
    released["vision_tower.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    save_file(released, base / "model.safetensors", {"format": "pt"})
    run = adapter(str(base), tmp_path / "run", target_modules=r".*\.vision_tower\..*q_proj")
    assert exported(run, "merged", out).changed == 2
    written = load_file(out / "model.safetensors")
    assert written.keys() == released.keys()
    assert [name for name in written if not torch.equal(written[name], released[name])] == [
        f"vision_tower.vision_model.encoder.layers.{layer}.self_attn.q_proj.weight" for layer in (0, 1)
    ]


def test_what_cannot_be_merged_is_refused(tiny_llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(reason: str, run: Path, **options: Any) -> None:
        with pytest.raises(ModelError, match=reason):
            exported(run, "merged", tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()

    tied = adapter("nano-qwen2-vl", tmp_path / "tied", target_modules=["lm_head"])
    refused("adapts model.embed_tokens|adapts lm_head, whose weight another module shares", tied)
    saved = adapter("nano-qwen2-vl", tmp_path / "saved", modules_to_save=["lm_head"])
    refused("lm_head.weight: the adapter changes it, and the base stores no tensor of its own", saved)
    run = adapter(str(tiny_llava), tmp_path / "run")
    refused("in float32, which bfloat16 does not hold exactly; name --dtype float32", run, dtype="bfloat16")
    places = {name: replace(tensor, dtype=None) for name, tensor in stored_tensors(tiny_llava).items()}
    with pytest.raises(ModelError, match="is quantized, and nothing can be merged into it"):
        merge.places(open_trainable(str(tiny_llava)).model, {"model.language_model.norm.weight"}, places)
    monkeypatch.setattr(merge, "_merge_one", lambda layer: setattr(layer, "merged_adapters", ["default"]))
    refused("another model than the adapter on its base", run)


def test_an_adapter_for_peft_names_its_base_and_is_the_same_adapter(tiny_llava: Path, tmp_path: Path) -> None:
    run = adapter(str(tiny_llava), tmp_path / "run")
    settings = json.loads((run / "adapter_config.json").read_text())
    (run / "adapter_config.json").write_text(json.dumps({**settings, "base_model_name_or_path": None}))
    with pytest.raises(ModelError, match="names no base; name it with --model"):
        exported(run, "peft", tmp_path / "out")
    exported(run, "peft", tmp_path / "out", model=str(tiny_llava))
    base = json.loads((tmp_path / "out" / "adapter_config.json").read_text())["base_model_name_or_path"]
    network = PeftModel.from_pretrained(AutoModelForImageTextToText.from_pretrained(base), tmp_path / "out")
    assert len(network.targeted_module_names) == 4
    assert adapter_hash(tmp_path / "out") == adapter_hash(run)
    assert base_of(tmp_path / "out")["checkpoint"] == open_trainable(str(tiny_llava)).identity["checkpoint"]  # type: ignore[index]
    with pytest.raises(ModelError, match=r"out: its adapter was trained on another base"):
        open_trainable(ModelSpec("nano", tmp_path / "out"))


def test_an_export_is_left_if_it_is_whole_and_nothing_else_is_ever_replaced(tiny_llava: Path, tmp_path: Path) -> None:
    run, out = adapter(str(tiny_llava), tmp_path / "run"), tmp_path / "out"

    def unopened() -> Any:
        raise AssertionError("the export is there")

    done = exported(run, "peft", out)
    assert export_adapter(AdapterExportSpec(run, "peft"), out, unopened) == done
    with pytest.raises(RunError, match=r"holds a model export with other settings \(to peft, asked merged\)"):
        exported(run, "merged", out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match=r"notes\.txt: is not of the model export around it"):
        exported(run, "merged", out, overwrite=True)
    (out / "notes.txt").unlink()
    (out / "README.md").write_text("mine")
    with pytest.raises(RunError, match="files of this export were changed"):
        exported(run, "peft", out)
    assert exported(run, "merged", out, overwrite=True).form == "merged"
    with pytest.raises(NinefoldError, match="holds something else than a model export"):
        exported(run, "merged", Path(__file__).parent)


def test_a_full_disk_leaves_nothing_and_names_the_output(
    tiny_llava: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, copy = adapter(str(tiny_llava), tmp_path / "run"), shutil.copyfile

    def full(source: Path, target: Path) -> None:
        copy(source, target)
        if target.suffix == ".safetensors":
            raise OSError(errno.ENOSPC, "No space left on device", str(source), None, str(target))

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space") as caught:
        exported(run, "merged", tmp_path / "out")
    assert str(system_error(caught.value)).startswith(f"{tmp_path / 'out'}: the disk is full")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_runs_without_an_adapter_are_refused_in_words(tmp_path: Path) -> None:
    def refused(reason: str, run: Path) -> None:
        with pytest.raises(ModelError, match=reason):
            exported(run, "peft", tmp_path / "out")

    run = tmp_path / "run"
    refused("run: no such folder", run)
    (run / "model").mkdir(parents=True)
    (run / "spec.json").write_text('{"kind": "training", "id": "1", "model": {"name": "nano"}}')
    refused("all weights were trained, so there is no adapter: .*run/model is the whole model", run)
    (run / "adapter").mkdir()
    refused("no adapter, as it has no adapter_config.json", run)
    (run / "adapter" / "adapter_model.safetensors").write_bytes(b"")
    refused("holds what a registered model's own fit function made", run)
