"""The port of LLaVA-OneVision-1.5: against the released code's numbers, and against itself where there are none."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoModel, AutoModelForImageTextToText, Qwen3Config, Qwen3ForCausalLM
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ninefold.models.families import FAMILIES
from ninefold.models.ports.llava_onevision_1_5 import (
    LlavaOnevision15Config,
    LlavaOnevision15ForConditionalGeneration,
    LlavaOnevision15Model,
)
from ninefold.training.lora import matched

CASE = Path(__file__).parents[3].parent / "shared" / "parity" / "llava-onevision-1.5" / "case1"
oracle = pytest.mark.skipif(not CASE.is_dir(), reason="the released code's numbers (../shared/parity) are not here")

IMAGE = 90


def config(**text: Any) -> LlavaOnevision15Config:
    """Sizes of which no two agree by accident: 3 heads of 20 in the tower, 4 and 2 of 12 in the language model."""
    sizes = {"hidden_size": 40, "intermediate_size": 56, "num_hidden_layers": 3, "head_dim": 12, "vocab_size": 96}
    return LlavaOnevision15Config(
        vision_config={"depth": 2, "embed_dim": 60, "num_heads": 3, "intermediate_size": 72, "text_hidden_size": 40},
        text_config={**sizes, "num_attention_heads": 4, "num_key_value_heads": 2, **text},
        image_token_id=IMAGE,
        eos_token_id=None,
        pad_token_id=0,
    )


def tiny(attention: str = "sdpa") -> LlavaOnevision15ForConditionalGeneration:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlavaOnevision15ForConditionalGeneration._from_config(config(), attn_implementation=attention)
        for parameter in model.parameters():  # Larger than they begin, so that no part of the model is next to nothing.
            parameter.data += 0.1 * torch.randn_like(parameter)
    return model.eval()


def pictures(*grids: tuple[int, int]) -> dict[str, torch.Tensor]:
    made = torch.Generator().manual_seed(sum(rows * 100 + columns for rows, columns in grids))
    patches = sum(rows * columns for rows, columns in grids)
    grid = torch.tensor([[1, *grid] for grid in grids])
    return {"pixel_values": torch.randn(patches, 588, generator=made), "image_grid_thw": grid}


def sequence(*grids: tuple[int, int], words: int = 5, seed: int = 1) -> list[int]:
    """Return words, and the image tokens of pictures each after another word."""
    words_of = np.random.default_rng(seed).integers(1, 80, len(grids) + words).tolist()
    images = [token for rows, columns in grids for token in (words_of.pop(), *[IMAGE] * (rows * columns // 4))]
    return [*images, *words_of]


def padded(rows: list[list[int]], side: str) -> dict[str, torch.Tensor]:
    ids = [torch.tensor(row) for row in rows]
    pad = partial(torch.nn.utils.rnn.pad_sequence, batch_first=True, padding_side=side)
    return {"input_ids": pad(ids), "attention_mask": pad([torch.ones_like(row) for row in ids])}


ROWS = [((4, 6), (8, 2)), ((6, 6),), (), ((6, 6), (6, 6), (2, 4))]
"""Pictures of four sequences: of different sizes, of one size, none."""


def batch(side: str = "left") -> dict[str, torch.Tensor]:
    rows = [sequence(*grids, words=4 + place, seed=place) for place, grids in enumerate(ROWS)]
    return {**padded(rows, side), **pictures(*(grid for grids in ROWS for grid in grids))}


def alone(model: Any, row: int) -> torch.Tensor:
    """Return the logits of one row of the batch, asked by itself."""
    everything, first, last = batch(), sum(map(len, ROWS[:row])), sum(map(len, ROWS[: row + 1]))
    ends = [0, *everything["image_grid_thw"].prod(-1).cumsum(0).tolist()]
    look = {
        "pixel_values": everything["pixel_values"][ends[first] : ends[last]],
        "image_grid_thw": everything["image_grid_thw"][first:last],
    }
    ids = torch.tensor([sequence(*ROWS[row], words=4 + row, seed=row)])
    return model(ids, **(look if ROWS[row] else {})).logits[0]


# -- against the released code ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sdpa", "eager"])
def released(request: pytest.FixtureRequest) -> Any:
    model = AutoModelForImageTextToText.from_pretrained(CASE, attn_implementation=request.param)
    assert type(model) is LlavaOnevision15ForConditionalGeneration
    return model.eval()


@pytest.fixture(scope="module")
def given() -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in np.load(CASE / "inputs.npz").items()}


@pytest.fixture(scope="module")
def expected() -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.asarray(array)) for name, array in np.load(CASE / "outputs.npz").items()}


def seen(given: dict[str, torch.Tensor], prefix: str = "") -> dict[str, torch.Tensor]:
    return {name: given[prefix + name] for name in ("pixel_values", "image_grid_thw")}


def near(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found.detach(), expected, atol=1e-4, rtol=0)


@oracle
@torch.no_grad()
def test_what_it_sees_is_what_the_released_code_sees(released: Any, given: Any, expected: Any) -> None:
    looked = released.get_image_features(**seen(given), output_hidden_states=True)
    near(torch.stack(looked.hidden_states), expected["vision_hidden_states"])
    near(looked.last_hidden_state, expected["vision_features_before_merger"])
    near(looked.pooler_output[0], expected["image_features"])
    grid = tuple(given["image_grid_thw"][0, 1:].tolist())
    near(released.model.visual.angles([grid]), expected["vision_rope_angles"])


@oracle
@torch.no_grad()
def test_what_it_reads_is_what_the_released_code_reads(released: Any, given: Any, expected: Any) -> None:
    read = released(given["input_ids"], given["attention_mask"], **seen(given), output_hidden_states=True)
    near(read.logits, expected["logits"])
    near(torch.stack(read.hidden_states), expected["hidden_states"])
    near(read.past_key_values.layers[0].keys, expected["kv_cache_layer0_key"])
    near(read.past_key_values.layers[0].values, expected["kv_cache_layer0_value"])
    near(released(given["text_only_input_ids"]).logits, expected["text_only_logits"])


@oracle
@torch.no_grad()
def test_several_pictures_do_not_see_each_other(released: Any, given: Any, expected: Any) -> None:
    # The released tower reads all but the first one place too early for each picture before; these are the intended.
    near(
        torch.cat(released.get_image_features(**seen(given, "multi_")).pooler_output), expected["multi_image_features"]
    )
    near(released(given["multi_input_ids"], **seen(given, "multi_")).logits, expected["multi_logits"])
    read = released(given["batch_input_ids"], given["batch_attention_mask"], **seen(given, "batch_"))
    real = given["batch_attention_mask"].bool()
    near(read.logits[real], expected["batch_logits"][real])


@oracle
@torch.no_grad()
def test_it_writes_the_same_tokens(released: Any, given: Any, expected: Any) -> None:
    options = {"max_new_tokens": 8, "do_sample": False, "output_logits": True, "return_dict_in_generate": True}
    prompt = {name: given[name] for name in ("input_ids", "attention_mask")}
    for cached in (True, False):
        written = released.generate(**prompt, **seen(given), **options, use_cache=cached)
        assert written.sequences[:, -8:].tolist() == expected["generated_ids"].tolist()
        near(torch.stack(written.logits, 1), expected["generation_step_logits"])
    prompt = {name: given[f"batch_{name}"] for name in ("input_ids", "attention_mask")}
    written = released.generate(**prompt, **seen(given, "batch_"), **options)
    assert written.sequences[:, -8:].tolist() == expected["batch_generated_ids"].tolist()


@oracle
def test_it_learns_the_same(released: Any, given: Any, expected: Any) -> None:
    released.zero_grad()
    loss = released(given["train_input_ids"], labels=given["train_labels"], **seen(given)).loss
    loss.backward()
    near(loss, expected["train_loss"])
    found = {official(name): parameter.grad for name, parameter in released.named_parameters()}
    norms = json.loads((CASE / "gradients.json").read_text())["grad_norm"]
    assert {name: grad.norm().item() for name, grad in found.items()} == pytest.approx(norms, rel=1e-3)
    full = {"grad_vision_block0_qkv_weight": "visual.blocks.0.attn.qkv.weight"} | {
        f"grad_{part}_proj_weight_{layer}": f"model.layers.{layer}.self_attn.{part}_proj.weight"
        for part in "qkv"
        for layer in range(3)
    }
    for name, tensor in full.items():
        near(found[tensor], expected[name])


def official(name: str) -> str:
    return name.replace("model.visual.", "visual.").replace("model.language_model.", "model.")


# -- checkpoints -----------------------------------------------------------------------------------------------------


def test_the_8b_has_the_released_tensors() -> None:
    with torch.device("meta"):
        model = LlavaOnevision15ForConditionalGeneration(LlavaOnevision15Config())
    shapes = {official(name): list(tensor.shape) for name, tensor in model.state_dict().items()}
    text = {name for name in shapes if name.startswith("model.") or name == "lm_head.weight"}
    blocks = {name for name in shapes if name.startswith("visual.blocks.")}
    assert (len(text), len(blocks), len(shapes.keys() - text - blocks)) == (399, 288, 11)
    assert shapes["visual.patch_embed.proj.weight"] == [1024, 3, 14, 14]
    assert shapes["visual.class_pos_emb"] == [1, 32] and shapes["visual.class_embedding"] == [1024]
    assert shapes["visual.blocks.23.attn.qkv.weight"] == [3072, 1024]
    assert shapes["visual.blocks.0.mlp.fc1.weight"] == [4096, 1024]
    assert shapes["visual.merger.mlp.0.weight"] == shapes["visual.merger.mlp.2.weight"] == [4096, 4096]
    assert shapes["model.layers.35.self_attn.k_proj.weight"] == [1024, 4096]
    assert shapes["model.layers.0.self_attn.q_norm.weight"] == [128]
    assert shapes["model.layers.0.mlp.down_proj.weight"] == [4096, 12288]
    assert shapes["lm_head.weight"] == shapes["model.embed_tokens.weight"] == [151936, 4096]
    assert model.config.text_config.rope_parameters == {"rope_theta": 1e6, "rope_type": "default"}
    assert (model.generation_config.eos_token_id, model.generation_config.pad_token_id) == (151645, 151643)
    scopes = FAMILIES["llava-onevision"].scopes
    assert len(matched(model, scopes["language"])) == 3 * 36
    assert len(matched(model, scopes["vision+language"])) == 3 * 36 + 24


def test_it_saves_the_official_names_and_loads_both_spellings(tmp_path: Path) -> None:
    model, inputs = tiny(), batch()
    model.save_pretrained(tmp_path / "saved")
    with safe_open(tmp_path / "saved" / "model.safetensors", "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert set(tensors) == {official(name) for name in model.state_dict()}
    assert {name.split(".")[0] for name in tensors} == {"visual", "model", "lm_head"}

    # The class's own spelling, in a folder whose configuration is of the oldest kind and names remote code.
    told = json.loads((tmp_path / "saved" / "config.json").read_text())
    assert told["vocab_size"] == 96 and told["model_type"] == "llavaonevision1_5"
    del told["vocab_size"], told["eos_token_id"], told["text_config"]["rope_parameters"]
    told["text_config"] |= {"rope_theta": 1e6, "rope_scaling": None}
    told["auto_map"] = {"AutoModelForCausalLM": "modeling_llavaonevision1_5.LLaVAOneVision1_5"}
    (tmp_path / "classes").mkdir()
    (tmp_path / "classes" / "config.json").write_text(json.dumps(told))
    save_file(model.state_dict(), tmp_path / "classes" / "model.safetensors", {"format": "pt"})

    for folder in ("saved", "classes"):
        loaded, info = AutoModelForImageTextToText.from_pretrained(tmp_path / folder, output_loading_info=True)
        assert not any(info.values())
        assert torch.equal(loaded(**inputs).logits, model(**inputs).logits)
        assert not hasattr(loaded.config, "auto_map")
    bare = AutoModel.from_pretrained(tmp_path / "saved")
    assert type(bare) is LlavaOnevision15Model
    assert torch.equal(bare(**inputs).last_hidden_state, model.model(**inputs).last_hidden_state)


def test_a_text_half_may_be_called_qwen3() -> None:
    text = Qwen3Config(hidden_size=40, num_hidden_layers=1, vocab_size=96, rope_parameters={"rope_theta": 5e6})
    opened = LlavaOnevision15Config(vision_config={"text_hidden_size": 40}, text_config=text.to_dict())
    assert type(opened.text_config) is Qwen3Config and opened.text_config.rope_parameters["rope_theta"] == 5e6
    assert opened.vocab_size == 96
    with pytest.raises(ValueError, match=r"4096 wide \(text_hidden_size\), the language model is 40"):
        LlavaOnevision15Config(text_config=text)


# -- one and many ----------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_the_language_half_is_qwen3_to_the_last_digit() -> None:
    model = tiny()
    qwen = Qwen3ForCausalLM._from_config(model.config.text_config, attn_implementation="sdpa").eval()
    qwen.load_state_dict(
        {official(name): tensor for name, tensor in model.state_dict().items() if "visual" not in name}
    )
    words = padded([sequence(words=9), sequence(words=4)], "left")
    assert torch.equal(model(**words).logits, qwen(**words).logits)


@torch.no_grad()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_row_is_the_same_alone_and_padded_on_either_side(attention: str, side: str) -> None:
    model, inputs = tiny(attention), batch(side)
    logits, real = model(**inputs).logits, inputs["attention_mask"].bool()
    for row in range(len(ROWS)):
        torch.testing.assert_close(logits[row][real[row]], alone(model, row), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_picture_is_the_same_alone_and_among_others() -> None:
    model = tiny()
    grids = [(6, 6), (6, 6), (2, 4), (8, 2), (8, 2), (6, 6)]
    together = pictures(*grids)
    features = model.get_image_features(**together).pooler_output
    assert [len(picture) for picture in features] == [9, 9, 2, 4, 4, 9]
    patches = together["pixel_values"].split([rows * columns for rows, columns in grids])
    for place, (rows, columns) in enumerate(grids):
        single = model.get_image_features(patches[place], torch.tensor([[1, rows, columns]])).pooler_output[0]
        torch.testing.assert_close(features[place], single, atol=1e-5, rtol=0)


@torch.no_grad()
def test_it_writes_the_same_with_and_without_cache_alone_and_in_a_batch() -> None:
    model, inputs = tiny(), batch()
    options = {"max_new_tokens": 6, "do_sample": False}
    written = model.generate(**inputs, **options)[:, -6:]
    assert torch.equal(model.generate(**inputs, **options, use_cache=False)[:, -6:], written)
    for row in range(len(ROWS)):
        assert alone(model, row)[-1].argmax() == written[row, 0]
    twice = model.generate(**inputs, max_new_tokens=6, num_beams=2, num_return_sequences=2, do_sample=False)
    assert twice.shape[0] == 2 * len(ROWS)


@torch.no_grad()
@pytest.mark.parametrize(("cut", "before"), [(10, 1), (18, 2)])
def test_a_sequence_goes_on_from_the_cache_of_its_beginning(cut: int, before: int) -> None:
    model = tiny()
    ids, grids = torch.tensor([sequence((6, 6), (4, 2), words=8)]), [(6, 6), (4, 2)]
    whole = model(ids, **pictures(*grids)).logits
    values, sizes = pictures(*grids).values()
    patches = int(sizes[:before].prod(-1).sum())
    first = {"pixel_values": values[:patches], "image_grid_thw": sizes[:before]}
    rest = {"pixel_values": values[patches:], "image_grid_thw": sizes[before:]} if before < len(grids) else {}
    cache = model(ids[:, :cut], **first, use_cache=True).past_key_values
    places = torch.arange(cut, ids.shape[1])[None]
    logits = model(ids[:, cut:], **rest, past_key_values=cache, position_ids=places).logits
    torch.testing.assert_close(logits, whole[:, cut:], atol=1e-5, rtol=0)


@torch.no_grad()
def test_features_serve_in_place_of_pixels() -> None:
    model, inputs = tiny(), batch()
    look = {name: inputs.pop(name) for name in ("pixel_values", "image_grid_thw")}
    features = model.get_image_features(**look, return_dict=True).pooler_output
    kept = {"image": BaseModelOutputWithPooling(pooler_output=features)}
    assert torch.equal(model(**inputs, mm_encoder_outputs=kept).logits, model(**inputs, **look).logits)
    embeds = {"inputs_embeds": model.get_input_embeddings()(inputs["input_ids"])}
    there = {"attention_mask": inputs["attention_mask"], **look}
    assert torch.equal(model(**embeds, **there).logits, model(**inputs, **look).logits)
    with pytest.raises(ValueError, match="not both"):
        model(**inputs, **look, mm_encoder_outputs=kept)


@torch.no_grad()
def test_logits_are_kept_where_they_are_wanted() -> None:
    model, inputs = tiny(), batch()
    logits, length = model(**inputs).logits, inputs["input_ids"].shape[1]
    assert torch.equal(model(**inputs, logits_to_keep=2).logits, logits[:, -2:])
    places = torch.tensor([3, length - 1])
    torch.testing.assert_close(model(**inputs, logits_to_keep=places).logits, logits[:, places])
    mask = torch.zeros_like(inputs["input_ids"], dtype=torch.bool)
    mask[0, -3:] = mask[2, -1] = True
    torch.testing.assert_close(model(**inputs, logits_to_keep=mask).logits, logits[mask])


# -- learning --------------------------------------------------------------------------------------------------------


def test_gradients_are_the_same_with_checkpointing_and_reach_everything() -> None:
    model, inputs = tiny().train(), batch("right")
    inputs["labels"] = inputs["input_ids"].masked_fill(inputs["input_ids"] == IMAGE, -100)
    found = []
    for checkpointed in (False, True):
        if checkpointed:
            model.gradient_checkpointing_enable()
            assert all(block.gradient_checkpointing for block in model.model.visual.blocks)
        model.zero_grad()
        model(**inputs, use_cache=False).loss.backward()
        found.append({name: parameter.grad for name, parameter in model.named_parameters()})
    assert all(grad.abs().max() > 0 for grad in found[0].values())
    for name, grad in found[0].items():
        torch.testing.assert_close(found[1][name], grad, msg=name)


def test_lora_adapts_both_halves_and_survives_saving(tmp_path: Path) -> None:
    from peft import LoraConfig, PeftModel, get_peft_model

    scopes = FAMILIES["llava-onevision"].scopes
    language = {f"model.language_model.layers.{layer}.self_attn.{part}_proj" for layer in range(3) for part in "qkv"}
    both = language | {"model.visual.blocks.0.attn.qkv", "model.visual.blocks.1.attn.qkv"}
    assert set(matched(tiny(), scopes["language"])) == language
    assert set(matched(tiny(), scopes["vision+language"])) == both

    tuned = get_peft_model(tiny(), LoraConfig(target_modules=scopes["vision+language"], init_lora_weights=False)).eval()
    inputs = batch()
    assert not torch.allclose(tuned(**inputs).logits, tiny()(**inputs).logits, atol=1e-2)
    tuned.save_pretrained(tmp_path)
    with safe_open(tmp_path / "adapter_model.safetensors", "pt") as file:
        assert {name.removeprefix("base_model.model.").rsplit(".", 2)[0] for name in file.keys()} == both  # noqa: SIM118
    again = PeftModel.from_pretrained(tiny(), tmp_path).eval()
    assert torch.equal(again(**inputs).logits, tuned(**inputs).logits)


@torch.no_grad()
def test_half_precision_stays_near_and_keeps_the_angles_whole() -> None:
    model, inputs = tiny(), batch()
    exact, real = model(**inputs).logits, inputs["attention_mask"].bool()
    half = model.to(torch.bfloat16)
    assert half.model.visual.angles([(6, 6)]).dtype == torch.float32
    logits = half(**inputs).logits
    assert logits.dtype == torch.bfloat16
    assert (logits.float() - exact)[real].abs().max() < 0.05 * exact[real].abs().max()


# -- what does not fit -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image_grid_thw": torch.tensor([[1, 4, 6]])}, "hold 36 patches, image_grid_thw tells of 24"),
        ({"image_grid_thw": torch.tensor([[1, 4, 9]])}, "4 x 9 patches cannot be merged by 2 x 2"),
        ({"image_grid_thw": None}, "pixel_values need image_grid_thw"),
        ({"pixel_values": torch.zeros(36, 1176)}, "1176 values a patch and not 588; .* temporal_patch_size 1"),
        ({"input_ids": torch.tensor([sequence((4, 6))])}, "the text has 6 image tokens .* have 9 features"),
        ({"input_ids": None}, "give input_ids or inputs_embeds"),
    ],
)
def test_what_does_not_fit_is_told(change: dict[str, Any], said: str) -> None:
    inputs = {"input_ids": torch.tensor([sequence((6, 6))]), **pictures((6, 6)), **change}
    with pytest.raises(ValueError, match=said):
        tiny()(**inputs)
