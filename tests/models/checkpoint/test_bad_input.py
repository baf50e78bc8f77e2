"""What a user can get wrong about a model's files, each told in one line: what, where, and what to do."""

import io
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny import save_tiny_llava, save_tiny_llava_onevision, save_tiny_qwen2_vl, some_examples
from transformers import AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

from ninefold.errors import ModelError
from ninefold.models.checkpoint import limits
from ninefold.models.checkpoint.processor import image_token_id, largest_embedded
from ninefold.models.load import open_model
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.training import lora


@pytest.fixture
def checkpoint(tiny_llava: Path, tmp_path: Path) -> Path:
    """A copy of a good checkpoint, to be spoiled."""
    return Path(shutil.copytree(tiny_llava, tmp_path / "base"))


@pytest.fixture(scope="module")
def trained(tiny_llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the tiny LLaVA, laid out as a training run that knows its base."""
    run = tmp_path_factory.mktemp("runs") / "tuning"
    base = AutoModelForImageTextToText.from_pretrained(tiny_llava)
    get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"])).save_pretrained(str(run / "adapter"))
    identity = VisionLanguageModel.load(str(tiny_llava)).identity
    (run / "spec.json").write_text(json.dumps({"kind": "training", "model": identity}))
    return run


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of a good training run, to be spoiled."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


def refused(folder: Path, adapter: Path | None = None) -> str:
    """Open a model that must be refused, and return what is said of it."""
    with pytest.raises(ModelError) as caught:
        VisionLanguageModel.load(ModelSpec(str(folder), adapter=adapter))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def changed(path: Path, change: Callable[[Any], None]) -> None:
    """Change what a JSON file holds."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def retensored(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the tensors of a file."""
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, {"format": "pt"})


def cut(path: Path) -> None:
    """Keep the first half of a file, as a download that broke off does."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_tensors_without_a_place(checkpoint: Path) -> None:
    retensored(
        checkpoint / "model.safetensors",
        lambda tensors: tensors.update({f"language_model.model.layers.{n}.extra": torch.zeros(2) for n in (3, 2)}),
    )
    assert refused(checkpoint) == (
        "base: the checkpoint holds 2 tensors that the model has no place for, "
        "model.language_model.layers.2.extra first; its files must be of one checkpoint"
    )


def test_tensors_that_a_class_declares_ignorable_are_ignored(checkpoint: Path) -> None:
    name = "language_model.model.layers.0.self_attn.rotary_emb.inv_freq"
    retensored(checkpoint / "model.safetensors", lambda tensors: tensors.update({name: torch.zeros(8)}))
    VisionLanguageModel.load(str(checkpoint))


def test_tensors_that_lack_and_tensors_without_a_place(checkpoint: Path) -> None:
    def renamed(tensors: dict[str, torch.Tensor]) -> None:
        tensors["lm_tail.weight"] = tensors.pop(next(name for name in tensors if name.endswith("lm_head.weight")))

    retensored(checkpoint / "model.safetensors", renamed)
    said = refused(checkpoint)
    assert "lacks 1 tensors, lm_head.weight first, and holds 1 tensors that the model has no place for, lm_tail" in said


def test_tensors_of_other_shapes(checkpoint: Path) -> None:
    changed(checkpoint / "config.json", lambda config: config["text_config"].update(intermediate_size=48))
    said = refused(checkpoint)
    assert "the checkpoint holds 6 tensors of other shapes than the model's, " in said
    assert "model.language_model.layers.0.mlp.down_proj.weight first" in said


@pytest.mark.parametrize(
    "spoil", [cut, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"<html>" * 9)]
)
def test_weights_that_are_none(checkpoint: Path, spoil: Callable[[Path], None]) -> None:
    spoil(checkpoint / "model.safetensors")
    assert refused(checkpoint).startswith(f"{checkpoint / 'model.safetensors'}: not readable as safetensors (")


@pytest.mark.parametrize("name", ["config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json"])
def test_a_file_that_breaks_off(checkpoint: Path, name: str) -> None:
    cut(checkpoint / name)
    assert refused(checkpoint).startswith(f"{checkpoint / name}: not readable as JSON (")


def test_a_tokenizer_that_is_none(checkpoint: Path) -> None:
    (checkpoint / "tokenizer.json").write_text('{"model": 1}')
    assert "base: cannot be opened" in refused(checkpoint)


Saver = Callable[[Path], None]


@pytest.mark.parametrize(
    ("save", "token"),
    [
        (save_tiny_llava, "<image>"),
        (save_tiny_qwen2_vl, "<|image_pad|>"),
        (save_tiny_llava_onevision, "<|image_pad|>"),
    ],
)
def test_a_tokenizer_without_the_image_token(tmp_path: Path, save: Saver, token: str) -> None:
    save(tmp_path / "base")
    path = tmp_path / "base" / "tokenizer.json"
    path.write_text(path.read_text().replace(f'"{token}"', '"<something else>"'))
    said = f"base: its tokenizer lacks the image token {token}; take the checkpoint's own one"
    assert refused(tmp_path / "base") == said


@pytest.mark.parametrize(
    ("save", "field"),
    [
        (save_tiny_llava, "image_token_index"),
        (save_tiny_qwen2_vl, "image_token_id"),
        (save_tiny_llava_onevision, "image_token_id"),
    ],
)
def test_an_image_token_of_another_number(tmp_path: Path, save: Saver, field: str) -> None:
    save(tmp_path / "base")

    def other(config: dict[str, Any]) -> None:
        config.pop("image_token_id", None)
        config[field] = 77

    changed(tmp_path / "base" / "config.json", other)
    assert "base: its prompts hold no image token (number 77 for the model)" in refused(tmp_path / "base")


def test_a_chat_template_that_shows_no_picture(checkpoint: Path) -> None:
    path = checkpoint / "chat_template.jinja"
    path.write_text(path.read_text().replace("<image>", ""))
    said = refused(checkpoint)
    # Not every version of transformers counts images itself.
    assert "(The total number of <image> tokens in the prompts should be the same" in said or "no image token" in said


def test_an_adapter_that_was_trained_on_another_base(checkpoint: Path, run: Path, tiny_llava: Path) -> None:
    VisionLanguageModel.load(ModelSpec(str(tiny_llava), adapter=run))
    retensored(checkpoint / "model.safetensors", lambda tensors: tensors["language_model.lm_head.weight"].add_(1))
    for adapter in (run, run / "adapter"):
        assert refused(checkpoint, adapter).startswith(f"{run}: its adapter was trained on another base, tiny-llava (")
    # A revision of the hub and a hash of files are not to be compared.
    changed(run / "spec.json", lambda spec: spec["model"].update(checkpoint="a" * 40))
    VisionLanguageModel.load(ModelSpec(str(checkpoint), adapter=run))


def test_an_adapter_of_other_shapes(tiny_llava: Path, run: Path) -> None:
    changed(run / "adapter" / "adapter_config.json", lambda config: config.update(r=8))
    said = refused(tiny_llava, run)
    assert f"{run / 'adapter'}: the adapter does not fit this base (" in said
    assert "size mismatch for " in said


def test_an_adapter_of_modules_that_the_base_lacks(tiny_llava: Path, run: Path) -> None:
    changed(run / "adapter" / "adapter_config.json", lambda config: config.update(target_modules=["att_proj"]))
    assert "does not fit this base (Target modules {'att_proj'} not found in the base model." in refused(
        tiny_llava, run
    )


def test_an_adapter_whose_tensors_load_nowhere(tiny_llava: Path, run: Path) -> None:
    weights = run / "adapter" / "adapter_model.safetensors"
    retensored(
        weights, lambda tensors: tensors.update({"base_model.model.layers.9.q_proj.lora_A.weight": torch.ones(2)})
    )
    assert "no place for 1 of its 17 tensors, base_model.model.layers.9.q_proj.lora_A.weight first" in refused(
        tiny_llava, run
    )


def test_an_adapter_that_lacks_tensors(tiny_llava: Path, run: Path, recwarn: pytest.WarningsRecorder) -> None:
    weights = run / "adapter" / "adapter_model.safetensors"
    retensored(weights, lambda tensors: tensors.pop(next(name for name in tensors if "vision_tower" in name)))
    assert f"{run / 'adapter'}: the adapter lacks 1 tensors, base_model.model.model.vision_tower" in refused(
        tiny_llava, run
    )
    assert not [warning for warning in recwarn if "adapter" in str(warning.message)]


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_an_adapter_that_breaks_off_or_is_not_all_there(tiny_llava: Path, run: Path, name: str) -> None:
    cut(run / "adapter" / name)
    assert refused(tiny_llava, run).startswith(f"{run / 'adapter' / name}: not readable as ")
    (run / "adapter" / name).unlink()
    assert f"{run / 'adapter'}: no adapter, as it has no {name}; name a finished training run" in refused(
        tiny_llava, run
    )


def test_a_llava_processor_of_an_older_release_takes_its_settings_from_the_configuration(
    checkpoint: Path, tiny_llava: Path
) -> None:
    def older(config: dict[str, Any]) -> None:
        for name in ("patch_size", "num_additional_image_tokens", "vision_feature_select_strategy"):
            config.pop(name)

    changed(checkpoint / "processor_config.json", older)
    asked = some_examples(4)[:2]
    known = VisionLanguageModel.load(str(tiny_llava)).choice_scores(asked)
    assert VisionLanguageModel.load(str(checkpoint)).choice_scores(asked) == known


@pytest.mark.parametrize("template", ["chat_template.json", "tokenizer_config.json"])
def test_older_layouts_of_a_processor_open(checkpoint: Path, tiny_llava: Path, template: str) -> None:
    def with_template(config: dict[str, Any]) -> None:
        config["chat_template"] = (checkpoint / "chat_template.jinja").read_text()

    processor = json.loads((checkpoint / "processor_config.json").read_text())
    (checkpoint / "preprocessor_config.json").write_text(json.dumps(processor["image_processor"]))
    (checkpoint / "processor_config.json").unlink()
    (checkpoint / "chat_template.json").write_text("{}")
    changed(checkpoint / template, with_template)
    if template == "tokenizer_config.json":
        (checkpoint / "chat_template.json").unlink()
    (checkpoint / "chat_template.jinja").unlink()
    asked = some_examples(4)[:2]
    known = VisionLanguageModel.load(str(tiny_llava)).predict(asked)
    assert VisionLanguageModel.load(str(checkpoint)).predict(asked) == known


def test_a_tokenizer_longer_than_the_embedding(checkpoint: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    template = tokenizer.chat_template
    tokenizer.add_special_tokens({"pad_token": "<new pad>", "additional_special_tokens": ["<new>"]})
    tokenizer.chat_template = template
    tokenizer.save_pretrained(checkpoint)
    # Tokens that are never asked, and padding, which is masked, need no embedding.
    model = VisionLanguageModel.load(str(checkpoint))
    asked = some_examples(4)[:2]
    longer = replace(asked[1], prompt=f"{asked[1].prompt} Answer:")
    assert model.predict([asked[0], longer])[0] == model.predict(asked[:1])[0]
    with pytest.raises(
        ModelError, match=rf"example {asked[0].id}: its prompt has token \d+, and the model has embeddings"
    ):
        model.predict([replace(asked[0], prompt="Where is <new>?")])
    path = checkpoint / "chat_template.jinja"
    path.write_text("<new>" + path.read_text())
    assert "base: its tokenizer writes token " in refused(checkpoint)


def test_an_image_placeholder_needs_no_embedding(tiny_llava: Path) -> None:
    processor = AutoProcessor.from_pretrained(tiny_llava, backend="pil")
    placeholder = image_token_id(processor)
    assert placeholder is not None
    assert largest_embedded(processor, [3, placeholder, 5]) == 5
    assert largest_embedded(processor, [placeholder]) == -1


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/model.safetensors", "pytorch_model.bin", "a.safetensors"]
)
def test_a_list_of_tensors_that_leads_elsewhere(checkpoint: Path, name: str) -> None:
    path = checkpoint / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"lm_head.weight": name}}))
    assert refused(checkpoint).startswith(f"{path}: names ") and name in refused(checkpoint)


def test_weights_that_a_configuration_names_are_safetensors(checkpoint: Path) -> None:
    changed(checkpoint / "config.json", lambda config: config.update(transformers_weights="pytorch_model.bin"))
    assert "names weights in 'pytorch_model.bin'; only safetensors are opened" in refused(checkpoint)


def test_a_link_to_nothing(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model.safetensors").symlink_to("elsewhere")
    assert refused(checkpoint).startswith(f"{checkpoint / 'model.safetensors'}: a link to a file that is not there")


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("text_config", "vocab_size", 10**8),
        ("text_config", "num_hidden_layers", 10**6),
        ("vision_config", "image_size", 10**6),
    ],
)
def test_sizes_that_these_weights_cannot_have(checkpoint: Path, section: str, name: str, value: int) -> None:
    changed(checkpoint / "config.json", lambda config: config[section].update({name: value}))
    assert f"config.json: {name} {value:,} is too large for its weights" in refused(checkpoint)


def test_a_rank_that_no_tensor_has(tiny_llava: Path, run: Path) -> None:
    changed(run / "adapter" / "adapter_config.json", lambda config: config.update(r=10**9))
    assert "adapter_config.json: rank 1,000,000,000 is larger than any" in refused(tiny_llava, run)


def test_weights_that_compute_no_numbers(checkpoint: Path) -> None:
    retensored(
        checkpoint / "model.safetensors", lambda tensors: tensors["language_model.lm_head.weight"].fill_(math.nan)
    )
    assert "base: computes NaN or infinity for a blank image" in refused(checkpoint)


def test_a_chat_template_that_leaves_out_the_question(checkpoint: Path) -> None:
    (checkpoint / "chat_template.jinja").write_text("<image> What is this?")
    assert refused(checkpoint).startswith("base: its chat template leaves out the question")


def test_what_takes_for_ever_is_given_up(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{{ a }}{% endfor %}{% endfor %}"
    (checkpoint / "chat_template.jinja").write_text(loop)
    assert "base: its chat template takes over 0.5 seconds" in refused(checkpoint)
    (checkpoint / "chat_template.jinja").write_text("{{ 'a' * 10**12 }}")
    monkeypatch.setattr(limits, "SECONDS", 10)
    assert "or too much memory" in refused(checkpoint)


def test_a_regular_expression_that_takes_for_ever_is_given_up(
    tiny_llava: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.5)
    endless = r"((\w+\.?)+)+!"
    changed(run / "adapter" / "adapter_config.json", lambda config: config.update(target_modules=endless))
    assert "takes longer than 0.5 seconds on the names of modules" in refused(tiny_llava, run)
    with pytest.raises(ModelError, match=r"^--targets: the regular expression"):
        lora.matched(VisionLanguageModel.load(str(tiny_llava)).model, endless)


def test_a_tokenizer_whose_expression_the_library_gives_up(checkpoint: Path) -> None:
    def endless(config: dict[str, Any]) -> None:
        split = {"type": "Split", "pattern": {"Regex": r"(\p{L}+)*\d"}, "behavior": "Isolated", "invert": False}
        config["pre_tokenizer"] = split

    changed(checkpoint / "tokenizer.json", endless)
    model = VisionLanguageModel.load(str(checkpoint))
    asked = replace(some_examples(4)[0], prompt="a" * 40)
    with pytest.raises(ModelError, match=rf"^example {asked.id}: its prompt cannot be written .*retry-limit"):
        model.predict([asked])


@pytest.mark.parametrize("name", ["nano-qwen2-vl", "nano-llava-onevision"])
def test_a_picture_that_a_processor_refuses_is_named(name: str) -> None:
    thin = io.BytesIO()
    Image.new("RGB", (12, 2500)).save(thin, "PNG")
    asked = some_examples(4)[:3]
    asked[1] = replace(asked[1], image=thin.getvalue())
    with pytest.raises(
        ModelError, match=rf"^example {asked[1].id}: the model's processor refuses it \(absolute aspect"
    ):
        open_model(name).predict(asked)
