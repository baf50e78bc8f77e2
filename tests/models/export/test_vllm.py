"""vLLM gets exactly the adapters that it serves whole, under the names that it looks for; others are refused."""

from pathlib import Path
from typing import Any

import pytest

from ninefold.errors import ModelError
from ninefold.models.export.vllm import serving
from ninefold.models.families import FAMILIES, GENERIC

LORA: dict[str, Any] = {"peft_type": "LORA", "r": 32, "bias": "none", "init_lora_weights": "gaussian"}
MODULES = {
    ("llava", "language"): "model.language_model.layers.3.self_attn.q_proj",
    ("llava", "vision"): "model.vision_tower.encoder.layers.0.self_attn.k_proj",
    ("llava", "projector"): "model.multi_modal_projector.linear_1",
    ("llava-next", "vision"): "model.vision_tower.encoder.layers.0.mlp.fc1",
    ("qwen2-vl", "language"): "model.language_model.layers.27.mlp.down_proj",
    ("qwen2-vl", "vision"): "model.visual.blocks.31.attn.qkv",
    ("qwen2-vl", "projector"): "model.visual.merger.mlp.0",
    ("molmo", "language"): "model.transformer.blocks.0.att_proj",
    ("molmo", "vision"): "model.vision_backbone.image_pooling_2d.wq",
    ("llava-onevision", "language"): "model.language_model.layers.0.self_attn.q_proj",
    ("clip", "vision"): "vision_model.encoder.layers.0.self_attn.q_proj",
    ("any other", "language"): "model.language_model.layers.0.self_attn.q_proj",
}
TOWER = "vision_tower.vision_model.encoder.layers.0"
IN_VLLM = {
    MODULES["llava", "vision"]: f"{TOWER}.self_attn.k_proj",
    MODULES["llava-next", "vision"]: f"{TOWER}.mlp.fc1",
    MODULES["qwen2-vl", "vision"]: "visual.blocks.31.attn.qkv",
}
"""Full names of modules of the vision tower in vLLM 0.33.0, which drops "model." before these."""


ARCHITECTURES = [
    "LlavaForConditionalGeneration",
    "LlavaNextForConditionalGeneration",
    "Qwen2VLForConditionalGeneration",
    "MolmoForCausalLM",
]


def of(family: str, *modules: str, config: Any = None, **settings: Any) -> Any:
    tensors = [f"base_model.model.{module}.lora_{half}.weight" for module in modules for half in "AB"]
    row = FAMILIES.get(family, GENERIC)
    return serving(Path("run"), row, config or {"architectures": ARCHITECTURES}, LORA | settings, tensors)


@pytest.mark.parametrize(("family", "part"), MODULES)
def test_what_vllm_serves(family: str, part: str) -> None:
    module = MODULES[family, part]
    if (family, part) not in {(name, "language") for name in ("llava", "qwen2-vl", "molmo")} and module not in IN_VLLM:
        with pytest.raises(ModelError, match="--to merged"):
            of(family, module)
        return
    found = of(family, module)
    words = found.command("base", "tuned", Path("out")).split()
    assert words[:3] == ["vllm", "serve", "base"]
    assert ("--enable-tower-connector-lora" in words) is found.vision is (part == "vision")
    for tensor, name in found.names.items():
        ending = tensor.rpartition(".lora_")[2]
        if module in IN_VLLM:
            assert name.removeprefix("base_model.model.model.") == f"{IN_VLLM[module]}.lora_{ending}"
        else:
            assert name == tensor


def test_one_module_that_vllm_would_leave_out_refuses_the_whole_adapter() -> None:
    with pytest.raises(ModelError, match=r"adapts model\.vision_backbone.*answer as another model; .*--to merged"):
        of("molmo", MODULES["molmo", "language"], MODULES["molmo", "vision"])


def test_a_base_that_only_the_port_opens_is_refused_and_own_code_of_a_base_is_allowed() -> None:
    module = MODULES["molmo", "language"]
    with pytest.raises(ModelError, match="serves this family as MolmoForCausalLM, which the config"):
        of("molmo", module, config={"architectures": ["MolmoForConditionalGeneration"]})
    released = {"architectures": ["MolmoForCausalLM"], "auto_map": {"AutoConfig": "config_molmo.MolmoConfig"}}
    assert "--trust-remote-code" in of("molmo", module, config=released).command("base", "tuned", Path("out"))


@pytest.mark.parametrize(
    ("settings", "rank"),
    [({"r": 16}, 16), ({}, 32), ({"r": 33}, 64), ({"rank_pattern": {"q_proj": 200}}, 256), ({"r": 512}, 512)],
)
def test_the_rank_of_the_command_is_one_that_vllm_takes(settings: dict[str, Any], rank: int) -> None:
    words = of("llava", MODULES["llava", "language"], **settings).command("base", "tuned", Path("out")).split()
    assert words[words.index("--max-lora-rank") + 1] == str(rank)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"r": 513}, "has rank 513"),
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias 'all'"),
        ({"lora_bias": True}, "lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights 'pissa'"),
        ({"peft_type": "LOHA"}, "the method LOHA"),
    ],
)
def test_settings_that_vllm_does_not_serve_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelError, match=f"{reason}.*--to merged"):
        of("llava", MODULES["llava", "language"], **settings)
