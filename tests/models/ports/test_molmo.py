"""The port of Molmo v1: against the released code's numbers, and against itself where there are none."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import safe_open
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForImageTextToText,
    CLIPVisionConfig,
    CLIPVisionModel,
    Olmo2Config,
    Olmo2ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from ninefold.models.families import FAMILIES
from ninefold.models.ports.molmo import MolmoConfig, MolmoForConditionalGeneration, MolmoModel
from ninefold.training.lora import matched

PARITY = Path(__file__).parents[3].parent / "shared" / "parity"
oracle = pytest.mark.skipif(not PARITY.is_dir(), reason="the released code's numbers (../shared/parity) are not here")
both_oracles = pytest.mark.parametrize("name", ["molmo-7b-d", "molmo-7b-o"])
both_kinds = pytest.mark.parametrize("olmo", [False, True], ids=["D", "O"])

IMAGE = 98
CROP = {"image_default_input_size": [12, 12], "image_patch_size": 4, "image_num_pos": 10}
VISION = {
    **CROP,
    "image_emb_dim": 24,
    "image_num_heads": 3,
    "image_num_key_value_heads": 3,
    "image_num_layers": 4,
    "image_head_dim": 10,
    "image_mlp_dim": 44,
    "vit_layers": [-2, -4],
}


def config(olmo: bool = False, **changes: Any) -> MolmoConfig:
    """Sizes of which no two agree by accident; 3 x 3 patches a crop, so that pooling has to fill up."""
    sizes = {"vocab_size": 90, "embedding_size": 96, "additional_vocab_size": 8, "hidden_size": 40}
    depth = {"intermediate_size": 72, "num_hidden_layers": 3, "num_attention_heads": 4, "rope_theta": 1e4}
    kind = {"qkv_bias": not olmo, "attention_layer_norm": olmo, "norm_after": olmo}
    heads = {"num_key_value_heads": None if olmo else 2}
    return MolmoConfig(**{**sizes, **depth, **kind, **heads, **VISION, "initializer_range": 0.3, **changes})


@cache  # no test changes it
def random_model(olmo: bool = False, **changes: Any) -> MolmoForConditionalGeneration:
    torch.manual_seed(int(olmo))
    model = MolmoForConditionalGeneration(config(olmo, **changes)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    return model


def some_inputs() -> dict[str, Tensor]:
    """Two sequences without padding, of three crops and of two, whose last crop only fills up."""
    generator = torch.Generator().manual_seed(2)
    ids = torch.randint(0, 90, (2, 20), generator=generator)
    images = torch.randn(2, 3, 9, 48, generator=generator)
    masks = torch.randint(0, 3, (2, 3, 9), generator=generator) / 2
    places = torch.stack([torch.randperm(12, generator=generator) + 2 for _ in range(2)]).view(2, 3, 4)
    places[0, 1, ::2] = -100
    images[1, 2], masks[1, 2], places[1, 2] = -1, -1, -1
    ids.scatter_(1, places.flatten(1).clamp(min=1), IMAGE)
    ids[:, 1] = 1
    return {"input_ids": ids, "images": images, "image_masks": masks, "image_input_idx": places}


def case(name: str) -> tuple[MolmoForConditionalGeneration, dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    folder = PARITY / name / "case1"
    vision = json.loads((folder / "case.json").read_text())["vision"]
    model = AutoModelForImageTextToText.from_pretrained(folder, **vision).eval()
    inputs, outputs = (
        {key: torch.from_numpy(np.asarray(array)) for key, array in np.load(folder / f"{which}.npz").items()}
        for which in ("inputs", "outputs")
    )
    return model, inputs, outputs, json.loads((folder / "gradients.json").read_text())


def pictures(inputs: dict[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    return {name: inputs[prefix + name] for name in ("images", "image_masks", "image_input_idx")}


def far(ours: Tensor, theirs: Tensor) -> float:
    """Return the largest difference; relative to the largest value where there are large ones (features go to 669)."""
    return float((ours - theirs).abs().max() / theirs.abs().max().clamp(min=1))


def moved_left(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Move right padding to the left, one sequence after the other."""
    ids, places = inputs["input_ids"].clone(), inputs["image_input_idx"].clone()
    mask = torch.ones_like(ids)
    for row, old in enumerate(inputs["input_ids"]):
        pad = int((old < 0).sum())
        ids[row] = torch.cat([old.new_zeros(pad), old[: len(old) - pad]])
        mask[row, :pad] = 0
        places[row] = torch.where(places[row] < 0, places[row], places[row] + pad)
    return {**inputs, "input_ids": ids, "image_input_idx": places, "attention_mask": mask}


@oracle
@both_oracles
@torch.no_grad()
def test_the_forward_pass_is_the_released_one(name: str) -> None:
    model, inputs, expected, _ = case(name)
    whole = model(inputs["input_ids"], **pictures(inputs), output_hidden_states=True, use_cache=True)
    assert (whole.logits - expected["logits"]).abs().max() < 1e-4
    assert far(torch.stack(whole.hidden_states), expected["hidden_states"]) < 1e-5
    layer = whole.past_key_values.layers[0]
    assert far(layer.keys, expected["kv_cache_layer0_key"]) < 1e-4
    assert far(layer.values, expected["kv_cache_layer0_value"]) < 1e-5
    assert (model(inputs["text_only_input_ids"]).logits - expected["text_only_logits"]).abs().max() < 1e-5


@oracle
@both_oracles
@torch.no_grad()
def test_vision_features_are_the_released_ones(name: str) -> None:
    model, inputs, expected, _ = case(name)
    pooled: list[Tensor] = []
    model.model.vision_backbone.image_pooling_2d.register_forward_hook(lambda *hooked: pooled.append(hooked[2]))
    found = model.get_image_features(**pictures(inputs), output_hidden_states=True, return_dict=True)
    assert far(torch.stack(found.hidden_states[1:]), expected["vit_hidden_states"]) < 1e-5
    assert far(pooled[0], expected["pooled_features"]) < 1e-5
    assert far(found.last_hidden_state, expected["image_features"]) < 1e-5
    again = model(inputs["input_ids"], mm_encoder_outputs={"image": found}).logits
    assert (again - expected["logits"]).abs().max() < 1e-4


@oracle
@both_oracles
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_greedy_tokens_are_the_released_ones(name: str, attention: str) -> None:
    model, inputs, expected, _ = case(name)
    model.set_attn_implementation(attention)
    options = {"max_new_tokens": 8, "do_sample": False}
    made = model.generate(
        inputs["input_ids"], **pictures(inputs), **options, return_dict_in_generate=True, output_logits=True
    )
    assert torch.equal(made.sequences[:, -8:], expected["generated_ids"])
    assert (torch.stack(made.logits, 1) - expected["generation_step_logits"]).abs().max() < 1e-4
    plain = model.generate(inputs["input_ids"], **pictures(inputs), **options, use_cache=False)
    assert torch.equal(plain, made.sequences)


@oracle
@both_oracles
@torch.no_grad()
def test_padding_is_the_released_one_on_either_side(name: str) -> None:
    model, inputs, expected, _ = case(name)
    right = {"input_ids": inputs["batch_input_ids"], **pictures(inputs, "batch_")}
    left = moved_left(right)
    real, known = right["input_ids"] >= 0, expected["batch_logits"]
    assert (model(**right).logits - known)[real].abs().max() < 1e-4
    assert (model(**left).logits[left["attention_mask"].bool()] - known[real]).abs().max() < 1e-4
    for inputs_of in (left, right):
        made = model.generate(**inputs_of, max_new_tokens=8, do_sample=False)
        assert torch.equal(made[:, -8:], expected["batch_generated_ids"])


@oracle
@both_oracles
@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_are_the_released_ones(name: str, checkpointing: bool) -> None:
    model, inputs, expected, told = case(name)
    if checkpointing:
        model.gradient_checkpointing_enable()
    model.train()
    seen = {**pictures(inputs), "image_input_idx": inputs["train_image_input_idx"]}
    loss = model(inputs["train_input_ids"], **seen, labels=inputs["train_labels"], use_cache=False).loss
    loss.backward()
    assert loss.item() == pytest.approx(float(expected["train_loss"]), abs=1e-5)
    found = {key: parameter.grad for key, parameter in model.named_parameters()}
    norms = {key: 0.0 if grad is None else float(grad.norm()) for key, grad in found.items()}
    # Every key's bias has a gradient of zero but for rounding: it shifts all scores of a query alike.
    assert norms == pytest.approx({key: norm or 0.0 for key, norm in told["grad_norm"].items()}, rel=1e-3, abs=1e-6)
    tower, pooling = "image_vit.transformer.resblocks.0.attention", "image_pooling_2d"
    arrays = {f"transformer.blocks.{layer}.att_proj": f"att_proj_weight_{layer}" for layer in range(3)}
    arrays |= {f"vision_backbone.{tower}.wq": "vit_block0_wq_weight", f"vision_backbone.{pooling}.wq": "pool_wq_weight"}
    for module, array in arrays.items():
        ours, theirs = found[f"model.{module}.weight"], expected[f"grad_{array}"]
        assert (ours - theirs).norm() < 1e-3 * theirs.norm(), module


def language_half(model: MolmoForConditionalGeneration, olmo: bool, attention: str) -> Any:
    """Return transformers' own model with the same weights, fused ones parted."""
    given = model.config
    sizes = {key: getattr(given, key) for key in ("hidden_size", "num_hidden_layers", "num_attention_heads")}
    other = (Olmo2Config if olmo else Qwen2Config)(
        **sizes,
        vocab_size=given.embedding_size,
        intermediate_size=given.intermediate_size // 2,
        num_key_value_heads=given.num_key_value_heads,
        rms_norm_eps=given.layer_norm_eps,
        rope_parameters=given.rope_parameters,
        tie_word_embeddings=False,
        attn_implementation=attention,
        pad_token_id=None,
        eos_token_id=None,
    )
    weights = {
        name.removeprefix("model.transformer."): tensor
        for name, tensor in model.state_dict().items()
        if name.startswith("model.transformer.")
    }
    renamed = {"model.embed_tokens.weight": weights["wte.embedding"], "model.norm.weight": weights["ln_f.weight"]}
    renamed["lm_head.weight"] = weights["ff_out.weight"]
    norms = ["input_layernorm", "post_attention_layernorm", "post_feedforward_layernorm"][olmo:]
    rows = [given.num_attention_heads, given.num_key_value_heads, given.num_key_value_heads]
    rows = [count * given.hidden_size // given.num_attention_heads for count in rows]
    for layer in range(given.num_hidden_layers):
        ours, theirs = f"blocks.{layer}.", f"model.layers.{layer}."
        for kind in ("weight", "bias")[: 1 if olmo else 2]:
            parts = weights[f"{ours}att_proj.{kind}"].split(rows)
            renamed |= {f"{theirs}self_attn.{x}_proj.{kind}": part for x, part in zip("qkv", parts, strict=True)}
        up, gate = weights[f"{ours}ff_proj.weight"].chunk(2)
        renamed |= {f"{theirs}mlp.up_proj.weight": up, f"{theirs}mlp.gate_proj.weight": gate}
        pairs = {"attn_out": "self_attn.o_proj", "ff_out": "mlp.down_proj", "attn_norm": norms[0], "ff_norm": norms[1]}
        if olmo:
            pairs |= {"q_norm": "self_attn.q_norm", "k_norm": "self_attn.k_norm"}
        renamed |= {f"{theirs}{new}.weight": weights[f"{ours}{old}.weight"] for old, new in pairs.items()}
    half = (Olmo2ForCausalLM if olmo else Qwen2ForCausalLM)(other).eval()
    half.load_state_dict(renamed)
    return half


@both_kinds
@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@torch.no_grad()
def test_the_language_half_is_transformers_own_to_the_last_digit(olmo: bool, attention: str) -> None:
    model = MolmoForConditionalGeneration(config(olmo, attn_implementation=attention)).eval()
    model.load_state_dict(random_model(olmo).state_dict())
    half = language_half(model, olmo, attention)
    ids = torch.randint(0, 96, (2, 30), generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(ids).logits, half(ids).logits)
    mask = torch.ones_like(ids)
    mask[0, :7] = 0
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    theirs = half(ids, attention_mask=mask, position_ids=positions).logits
    assert torch.equal(model(ids, attention_mask=mask).logits, theirs)
    embeds = torch.randn(2, 30, 40)
    assert torch.equal(model(inputs_embeds=embeds).logits, half(inputs_embeds=embeds).logits)
    assert torch.equal(model.bfloat16()(ids).logits, half.bfloat16()(ids).logits)


@torch.no_grad()
def test_the_tower_is_clips() -> None:
    given = config(image_head_dim=8)
    model = random_model(image_head_dim=8)
    clip = CLIPVisionModel(
        CLIPVisionConfig(
            hidden_size=24,
            intermediate_size=44,
            num_hidden_layers=4,
            num_attention_heads=3,
            image_size=12,
            patch_size=4,
        )
    ).eval()
    weights = {
        name.removeprefix("image_vit."): tensor
        for name, tensor in model.model.vision_backbone.state_dict().items()
        if name.startswith("image_vit.")
    }
    kernels = weights["patch_embedding.weight"].view(24, 4, 4, 3).permute(0, 3, 1, 2)
    renamed = {
        "embeddings.class_embedding": weights["class_embedding"],
        "embeddings.position_embedding.weight": weights["positional_embedding"],
        "embeddings.patch_embedding.weight": kernels,
    }
    parts = {
        f"attention.w{x}": f"self_attn.{y}"
        for x, y in {"q": "q_proj", "k": "k_proj", "v": "v_proj", "o": "out_proj"}.items()
    }
    parts |= {"feed_forward.w1": "mlp.fc1", "feed_forward.w2": "mlp.fc2"}
    parts |= {"attention_norm": "layer_norm1", "ffn_norm": "layer_norm2"}
    modules = {"pre_ln": "pre_layrnorm"} | {
        f"transformer.resblocks.{n}.{old}": f"encoder.layers.{n}.{new}" for n in range(4) for old, new in parts.items()
    }
    for kind in ("weight", "bias"):
        renamed |= {f"{new}.{kind}": weights[f"{old}.{kind}"] for old, new in modules.items()}
    found = clip.load_state_dict(renamed, strict=False)
    assert not found.unexpected_keys and {key.split(".")[0] for key in found.missing_keys} == {"post_layernorm"}
    pixels = torch.randn(2, 3, 12, 12)
    patches = pixels.view(2, 3, 3, 4, 3, 4).permute(0, 2, 4, 3, 5, 1).reshape(1, 2, 9, 48)
    ours = model.get_image_features(patches, output_hidden_states=True).hidden_states
    theirs = clip(pixels, output_hidden_states=True).hidden_states
    assert len(ours) == given.image_num_layers + 1
    assert max(far(one, other) for one, other in zip(ours[:-1], theirs[:-1], strict=True)) < 1e-5


@torch.no_grad()
def test_pooling_asks_with_the_mean_of_a_window_and_fills_up_odd_grids() -> None:
    """The definition, window by window and head by head; and which embedding a patch's mask adds."""
    backbone = random_model().model.vision_backbone
    images, masks = torch.randn(1, 1, 9, 48), torch.tensor([0, 0.5, 1, -1, 1, 1, 0.99, 1, 0]).view(1, 1, 9)
    _, states = backbone(images, output_hidden_states=True)
    patches = torch.cat([states[3][0, 1:], states[1][0, 1:]], -1)
    added = [0, 1, None, 1, None, None, 1, None, 0]
    patches = torch.stack(
        [patch if row is None else patch + backbone.pad_embed[row] for patch, row in zip(patches, added, strict=True)]
    )
    grid = torch.zeros(4, 4, 48)
    grid[:3, :3] = patches.view(3, 3, 48)
    pooling, pooled = backbone.image_pooling_2d, []
    for top, left in ((0, 0), (0, 2), (2, 0), (2, 2)):
        window = grid[top : top + 2, left : left + 2].reshape(4, 48)
        query, keys, values = pooling.wq(window.mean(0)), pooling.wk(window), pooling.wv(window)
        heads = [
            (query[at] @ keys[:, at].T / 10**0.5).softmax(-1) @ values[:, at]
            for at in (slice(0, 10), slice(10, 20), slice(20, 30))
        ]
        pooled.append(pooling.wo(torch.cat(heads)))
    projector, vectors = backbone.image_projector, torch.stack(pooled)
    expected = projector.w2(torch.nn.functional.silu(projector.w1(vectors)) * projector.w3(vectors))
    features, _ = backbone(images, masks)
    assert features.shape == (1, 1, 4, 40)
    assert far(features[0, 0], expected) < 1e-5


@torch.no_grad()
def test_features_are_added_at_their_places_and_nowhere_else() -> None:
    model, inputs = random_model(), some_inputs()
    text = model(inputs["input_ids"], output_hidden_states=True).hidden_states[0]
    found = model.get_image_features(**pictures(inputs))
    seen = model(**inputs, output_hidden_states=True).hidden_states[0]
    added = torch.zeros_like(text)
    for row, places in enumerate(inputs["image_input_idx"].flatten(1)):
        for which, place in enumerate(places.tolist()):
            if place >= 0:
                added[row, place] = found.last_hidden_state[row].flatten(0, 1)[which]
    assert torch.equal(seen, text + added)
    assert [len(features) for features in found.pooler_output] == [10, 8]
    again = model(inputs["input_ids"], mm_encoder_outputs={"image": found}).logits
    assert torch.equal(again, model(**inputs).logits)
    with pytest.raises(ValueError, match="18 image features for 17 image tokens"):
        fewer = inputs["input_ids"].clone()
        fewer[1, int(inputs["image_input_idx"][1, 0, 0])] = 1
        model(fewer, mm_encoder_outputs={"image": found})


@both_kinds
@torch.no_grad()
def test_a_batch_and_its_padding_change_nothing(olmo: bool) -> None:
    model, inputs = random_model(olmo), some_inputs()
    inputs["input_ids"][1, 16:] = -1
    alone = [model(**{key: tensor[row : row + 1] for key, tensor in inputs.items()}).logits[0] for row in range(2)]
    right, left = model(**inputs).logits, model(**moved_left(inputs)).logits
    for logits, where in ((right[1, :16], slice(16)), (left[1, 4:], slice(16))):
        assert (logits - alone[1][where]).abs().max() < 2e-5
    assert (right[0] - alone[0]).abs().max() < 2e-5
    fewer = {
        **{key: tensor[1:] for key, tensor in inputs.items()},
        **{k: v[1:, :2] for k, v in pictures(inputs).items()},
    }
    assert (model(**fewer).logits[0, :16] - alone[1][:16]).abs().max() < 2e-5
    words = inputs["input_ids"][1:, :16].masked_fill(inputs["input_ids"][1:, :16] == IMAGE, 3)
    filled = {key: torch.full_like(tensor[1:], -1) for key, tensor in pictures(inputs).items()}
    assert torch.equal(model(words, **filled).logits, model(words).logits)


@both_kinds
@torch.no_grad()
def test_generation_keeps_keys_and_sees_pictures_once(olmo: bool) -> None:
    model, inputs = random_model(olmo), some_inputs()
    inputs["input_ids"][1, 16:] = -1
    looked: list[int] = []
    hook = model.model.vision_backbone.register_forward_hook(lambda *_: looked.append(1))
    options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0}
    made = model.generate(**moved_left(inputs), **options)[:, 20:]
    hook.remove()
    assert len(looked) == 1
    assert torch.equal(model.generate(**inputs, **options)[:, 20:], made)
    marked = moved_left(inputs)
    marked["input_ids"] = marked["input_ids"].masked_fill(marked.pop("attention_mask") == 0, -1)
    assert torch.equal(model.generate(**marked, **options)[:, 20:], made)
    assert torch.equal(model.generate(**moved_left(inputs), **options, use_cache=False)[:, 20:], made)
    features = {"image": model.get_image_features(**pictures(inputs))}
    words = {key: tensor for key, tensor in moved_left(inputs).items() if key in ("input_ids", "attention_mask")}
    assert torch.equal(model.generate(**words, mm_encoder_outputs=features, **options)[:, 20:], made)
    ended = model.generate(**moved_left(inputs), **options, eos_token_id=int(made[0, 0]))[0, 20:].tolist()
    assert ended[0] == made[0, 0] and set(ended[1:]) <= {0}


@torch.no_grad()
def test_a_prefix_goes_on_from_its_keys() -> None:
    model, inputs = random_model(), some_inputs()
    whole = model(**inputs).logits
    start = model(inputs["input_ids"][:, :15], **pictures(inputs), use_cache=True)
    rest = inputs["input_ids"][:, 15:]
    positions = torch.arange(15, 20)[None].expand(2, -1)
    after = model(rest, past_key_values=start.past_key_values, position_ids=positions).logits
    assert (after - whole[:, 15:]).abs().max() < 2e-5


@torch.no_grad()
def test_logits_are_computed_where_they_are_asked_for() -> None:
    model, inputs = random_model(), some_inputs()
    whole = model(**inputs).logits
    assert whole.shape == (2, 20, 96)
    mask = torch.zeros(2, 20, dtype=torch.bool)
    mask[0, 3], mask[1, -2:] = True, True
    for keep, expected in ((2, whole[:, -2:]), (torch.tensor([0, 7]), whole[:, [0, 7]]), (mask, whole[mask])):
        assert torch.allclose(model(**inputs, logits_to_keep=keep).logits, expected, atol=1e-5)


def test_the_loss_is_shifted_and_averaged_over_labels() -> None:
    model, inputs = random_model(), some_inputs()
    labels = torch.full((2, 20), -100)
    labels[0, 17:], labels[1, -1] = torch.tensor([4, 5, 6]), 7
    found = model(**inputs, labels=labels)
    chances = found.logits.log_softmax(-1)
    picked = [chances[0, 16, 4], chances[0, 17, 5], chances[0, 18, 6], chances[1, 18, 7]]
    assert found.loss.item() == pytest.approx(-sum(picked).item() / 4, rel=1e-5)


@both_kinds
def test_checkpointing_changes_no_gradient(olmo: bool) -> None:
    model, inputs = MolmoForConditionalGeneration(config(olmo)).train(), some_inputs()
    labels = inputs["input_ids"].masked_fill(inputs["input_ids"] >= 90, -100)

    def gradients() -> dict[str, Tensor]:
        model.zero_grad()
        model(**inputs, labels=labels, use_cache=False).loss.backward()
        return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}

    plain = gradients()
    model.gradient_checkpointing_enable()
    again = gradients()
    assert plain.keys() == again.keys()
    assert all(torch.equal(plain[name], again[name]) for name in plain)
    unused = {name for name, _ in model.named_parameters()} - plain.keys()
    assert all("resblocks.3." in name for name in unused), "only the last block of the tower is not used"


@both_kinds
def test_half_precision_runs(olmo: bool) -> None:
    model, inputs = MolmoForConditionalGeneration(config(olmo)).to(torch.bfloat16), some_inputs()
    labels = inputs["input_ids"].masked_fill(inputs["input_ids"] >= 90, -100)
    found = model(**inputs, labels=labels)
    found.loss.backward()
    assert found.logits.dtype == torch.bfloat16 and torch.isfinite(found.loss)


@both_kinds
def test_saving_writes_the_released_names_and_auto_classes_open_them(olmo: bool, tmp_path: Path) -> None:
    model = random_model(olmo)
    model.save_pretrained(tmp_path)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = set(file.keys())
    norms = {f"model.transformer.blocks.{n}.{x}_norm.weight" for n in range(3) for x in "qk"}
    assert {
        "model.transformer.wte.embedding",
        "model.transformer.wte.new_embedding",
        "model.transformer.blocks.2.att_proj.weight",
        "model.transformer.blocks.0.ff_proj.weight",
        "model.transformer.ff_out.weight",
        "model.vision_backbone.pad_embed",
        "model.vision_backbone.image_vit.class_embedding",
        "model.vision_backbone.image_vit.transformer.resblocks.3.feed_forward.w2.bias",
        "model.vision_backbone.image_pooling_2d.wo.bias",
        "model.vision_backbone.image_projector.w3.weight",
    } <= names
    assert bool(norms & names) is olmo and ("model.transformer.blocks.0.att_proj.bias" in names) is not olmo
    assert not any("rotary" in name for name in names)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path).eval()
    assert type(again) is MolmoForConditionalGeneration
    assert {**again.config.to_dict(), "_name_or_path": "", "dtype": None} == {**model.config.to_dict(), "dtype": None}
    with torch.no_grad():
        assert torch.equal(again(**some_inputs()).logits, model(**some_inputs()).logits)
        bare = AutoModel.from_pretrained(tmp_path).eval()
        assert type(bare) is MolmoModel
        expected = model(**some_inputs(), output_hidden_states=True).hidden_states[-1]
        assert torch.equal(bare(**some_inputs()).last_hidden_state, expected)


def test_released_settings_are_the_defaults_and_others_are_refused() -> None:
    released = MolmoConfig()
    assert (released.image_num_layers, released.vit_layers, released.image_num_pos) == (23, (-2, -9), 577)
    assert (released.embedding_size, released.image_token_id, released.eos_token_id) == (152064, 152066, 151643)
    olmo = MolmoConfig(vocab_size=100278, embedding_size=100352, num_attention_heads=32, num_key_value_heads=None)
    assert (olmo.num_key_value_heads, olmo.image_token_id, olmo.eos_token_id) == (32, 100354, 100257)
    with pytest.raises(ValueError, match=r"clip_qkv=8\.0 is not implemented"):
        MolmoConfig(clip_qkv=8.0)


@oracle
def test_vision_settings_are_given_where_a_checkpoint_is_opened() -> None:
    folder = PARITY / "molmo-7b-d" / "case1"
    vision = json.loads((folder / "case.json").read_text())["vision"]
    opened = AutoConfig.from_pretrained(folder, **vision)
    made = MolmoConfig(**{**json.loads((folder / "config.json").read_text()), **vision})
    assert opened.image_grid == made.image_grid == (8, 8)
    assert {**opened.to_dict(), "_name_or_path": ""} == {**made.to_dict(), "_name_or_path": ""}


def test_lora_adapts_the_released_modules(tmp_path: Path) -> None:
    model = MolmoForConditionalGeneration(config())
    scopes = FAMILIES["molmo"].scopes
    language = matched(model, scopes["language"])
    assert language == [f"model.transformer.blocks.{n}.att_proj" for n in range(3)]
    both = matched(model, scopes["vision+language"])
    tower = "model.vision_backbone.image_vit.transformer.resblocks"
    attentions = [f"{tower}.{n}.attention" for n in range(4)] + ["model.vision_backbone.image_pooling_2d"]
    assert set(both) == {*language, *(f"{name}.w{x}" for name in attentions for x in "qkv")}
    tuned = get_peft_model(model, LoraConfig(r=2, target_modules=both, init_lora_weights=False)).eval()
    with torch.no_grad():
        before = tuned(**some_inputs()).logits
        assert torch.allclose(tuned.merge_and_unload()(**some_inputs()).logits, before, atol=1e-3)
