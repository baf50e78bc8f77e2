"""What is trained: scopes in every architecture, LoRA's settings, all weights; features; a model that stays open."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from training_runs import assert_close_adapter, assert_same_adapter
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    get_cosine_schedule_with_warmup,
)

from ninefold import store
from ninefold.errors import ModelError, NinefoldError, RunError
from ninefold.models.families import FAMILIES
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.models.spec import ModelSpec
from ninefold.training import callbacks
from ninefold.training.checkpoints import save_model
from ninefold.training.lora import matched
from ninefold.training.parameters import is_trained
from ninefold.training.settings import pattern_of
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

QKV = ("q_proj", "k_proj", "v_proj")

MATCHED = {
    "tiny_llava": (
        [f"model.language_model.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
        [f"model.vision_tower.encoder.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
    ),
    "tiny_qwen2_vl": (
        [f"model.language_model.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
        [f"model.visual.blocks.{n}.attn.qkv" for n in (0, 1)],
    ),
    "tiny_llava_onevision": (
        [f"model.language_model.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
        [f"model.visual.blocks.{n}.attn.qkv" for n in (0, 1)],
    ),
    "tiny_molmo": (
        [f"model.transformer.blocks.{n}.att_proj" for n in (0, 1)],
        [
            *(
                f"model.vision_backbone.image_vit.transformer.resblocks.{n}.attention.{p}"
                for n in (0, 1, 2)
                for p in ("wq", "wk", "wv")
            ),
            *(f"model.vision_backbone.image_pooling_2d.{p}" for p in ("wq", "wk", "wv")),
        ],
    ),
    "tiny_clip": (
        [f"text_model.encoder.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
        [f"vision_model.encoder.layers.{n}.self_attn.{p}" for n in (0, 1) for p in QKV],
    ),
}
"""What the scopes match: in the language half, and besides in the other."""


@pytest.mark.parametrize("family", MATCHED)
def test_what_each_scope_reaches(family: str, request: pytest.FixtureRequest) -> None:
    model = open_trainable(str(request.getfixturevalue(family)))
    language, vision = MATCHED[family]
    assert sorted(matched(model.model, model.family.scopes["language"])) == sorted(language)
    assert sorted(matched(model.model, model.family.scopes["vision+language"])) == sorted(language + vision)
    # Full fine-tuning draws the same line.
    assert all(is_trained(f"{name}.weight", "language", model.family) for name in language)
    assert not any(is_trained(f"{name}.weight", "language", model.family) for name in vision)


def test_what_each_scope_reaches_in_llava_next() -> None:
    small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = LlavaNextConfig(vision_config=CLIPVisionConfig(**small), text_config=LlamaConfig(**small, vocab_size=64))
    with torch.device("meta"):
        network = LlavaNextForConditionalGeneration(config)
    language, vision = MATCHED["tiny_llava"]
    scopes = FAMILIES["llava-next"].scopes
    assert sorted(matched(network, scopes["language"])) == sorted(language)
    assert sorted(matched(network, scopes["vision+language"])) == sorted(language + vision)
    assert not is_trained("model.image_newline", "language", FAMILIES["llava-next"])


def test_targets_are_names_or_a_pattern(tiny_llava: Path) -> None:
    network = open_trainable(str(tiny_llava)).model
    assert len(matched(network, pattern_of("q_proj, fc1"))) == 2 + 2 + 2
    assert len(matched(network, pattern_of("lm_head"))) == 1
    assert len(matched(network, pattern_of(r".*layers\.0\.mlp\.(fc1|up_proj)"))) == 2
    with pytest.raises(RunError, match="not a regular expression"):
        pattern_of("(")


def test_settings_of_lora_are_kept(spec: TrainSpec, tmp_path: Path) -> None:
    told = replace(spec, rank=4, alpha=4, dropout=0.25, init="default", targets="q_proj", epochs=1)
    metrics = train(told, tmp_path / "run")
    assert len(metrics["adapted_modules"]) == 4
    config = json.loads((tmp_path / "run" / "adapter" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["lora_dropout"]) == (4, 4, 0.25)
    assert config["init_lora_weights"] is True
    kept = json.loads((tmp_path / "run" / "spec.json").read_text())["lora"]
    assert kept == {
        "pattern": r"(.*\.)?(q_proj)",
        "rank": 4,
        "alpha": 4,
        "dropout": 0.25,
        "init": "default",
        "bias": "none",
    }


@pytest.mark.parametrize("micro_batch", [1, None])
def test_features_train_the_adapter_that_pixels_train(spec: TrainSpec, tmp_path: Path, micro_batch: int | None) -> None:
    spec = replace(spec, lora_scope="language", epochs=2, micro_batch=micro_batch)
    for features in ("on", "off"):
        train(replace(spec, features=features), tmp_path / features)
    assert_close_adapter(tmp_path / "on", tmp_path / "off")
    plans = [json.loads((tmp_path / way / "provenance.json").read_text())["plan"] for way in ("on", "off")]
    assert [plan["features"] for plan in plans] == [True, False]


def test_features_are_refused_where_vision_is_trained(spec: TrainSpec, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="its vision is trained"):
        train(replace(spec, features="on"), tmp_path / "run")


def state(model: Trainable) -> dict[str, object]:
    network = model.model
    return {
        "modules": [(name, type(module).__name__) for name, module in network.named_modules()],
        "weights": {name: value.tolist() for name, value in network.state_dict().items()},
        "trained": [parameter.requires_grad for parameter in network.parameters()],
        "gradients": [parameter.grad for parameter in network.parameters()],
        "attributes": sorted(network.__dict__),
        "config": network.config.to_dict(),
        "hooks": [
            (module, [*module._forward_hooks.values(), *module._forward_pre_hooks.values()])
            for module in network.modules()
        ],
        "training": [module.training for module in network.modules()],
    }


def test_one_open_model_trains_many_runs_and_stays_as_it_was(
    unbroken: Path, spec: TrainSpec, tiny_llava: Path, tmp_path: Path
) -> None:
    model = open_trainable(str(tiny_llava))
    # Transformers hooks itself in at the first forward pass, whoever makes it.
    train(spec, tmp_path / "first", model=model)
    before = state(model)
    train(replace(spec, seed=1, recompute=True, epochs=1), tmp_path / "seed-1", model=model)
    train(replace(spec, method="full", epochs=1), tmp_path / "full", model=model)
    with pytest.raises(NinefoldError):
        train(replace(spec, learning_rate=1e30), tmp_path / "failed", model=model)
    assert state(model) == before
    train(spec, tmp_path / "again", model=model)
    for run in ("first", "again"):
        assert_same_adapter(tmp_path / run, unbroken)


def test_a_model_with_an_adapter_is_not_trained_on(
    unbroken: Path, spec: TrainSpec, tiny_llava: Path, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="has an adapter already"):
        train(spec, tmp_path / "run", model=open_trainable(ModelSpec(str(tiny_llava), unbroken)))


def test_seeds_share_the_features_of_an_open_model(spec: TrainSpec, tiny_llava: Path, tmp_path: Path) -> None:
    model = open_trainable(str(tiny_llava))
    spec, seen = replace(spec, lora_scope="language", epochs=1), []
    model.model.model.vision_tower.register_forward_hook(lambda *_: seen.append(1))
    for seed in (0, 1):
        train(replace(spec, seed=seed), tmp_path / f"open-{seed}", model=model)
        train(replace(spec, seed=seed), tmp_path / f"alone-{seed}")
        assert_same_adapter(tmp_path / f"open-{seed}", tmp_path / f"alone-{seed}")
    # 48 pictures, and twice in each run to try the first.
    assert len(seen) == 48 + 2 * 2


@pytest.mark.parametrize("scope", ["language", "vision+language"])
def test_all_weights_can_be_trained(scope: str, spec: TrainSpec, tiny_llava: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    metrics = train(replace(spec, method="full", lora_scope=scope, epochs=1), run)
    assert {path.name for path in run.iterdir()} >= {"model", "metrics.json"} and not (run / "adapter").exists()
    base, tuned = (load_file(folder / "model.safetensors") for folder in (tiny_llava, run / "model"))
    assert base.keys() == tuned.keys()
    changed = {name for name, value in tuned.items() if not torch.equal(value, base[name])}
    assert any("language_model" in name for name in changed)
    assert any("vision" in name or "projector" in name for name in changed) == (scope == "vision+language")
    again = open_trainable(str(run / "model"))
    assert (
        again.model.config.text_config.use_cache == open_trainable(str(tiny_llava)).model.config.text_config.use_cache
    )
    if scope == "language":
        losses = train(replace(spec, model=ModelSpec(str(run / "model")), epochs=1), tmp_path / "next")
        assert losses["train_loss"] < metrics["train_loss"]


def test_all_weights_interrupted_end_with_the_same_bytes(
    spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_self: object, _args: object, state: Any, _control: object, **_: object) -> None:
        if state.global_step == 3:
            raise KeyboardInterrupt

    schedule: dict[str, Any] = {"warmup_steps": 2, "schedule": "cosine"}
    model = replace(spec.model, dtype="bfloat16")
    spec = replace(spec, method="full", epochs=2, model=model, dropout=0.1, **schedule)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(callbacks.CheckpointSchedule, "on_step_begin", interrupted, raising=False)
        train(spec, tmp_path / "cut")
    for run in ("cut", "whole"):
        train(spec, tmp_path / run)
    cut, whole = ((tmp_path / run / "model" / "model.safetensors").read_bytes() for run in ("cut", "whole"))
    assert cut == whole
    config = json.loads((tmp_path / "cut" / "model" / "config.json").read_text())
    # Weights are trained in single precision, and kept in that of the base.
    assert config["dtype"] == "bfloat16"
    # Dropout is of the training, not of the model.
    assert 0.1 not in (config["text_config"]["attention_dropout"], config["vision_config"]["attention_dropout"])
    kept = json.loads((tmp_path / "cut" / "spec.json").read_text())
    assert (kept["lora"], kept["dropout"], kept["warmup"], kept["warmup_steps"]) == (None, 0.1, 0.0, 2)
    history = json.loads((tmp_path / "cut" / "history.json").read_text())
    rates = rates_of_transformers(1e-3, warmup=2, steps=6)
    assert [entry["learning_rate"] for entry in history] == pytest.approx([rates[2], rates[5]])


def rates_of_transformers(peak: float, *, warmup: int, steps: int) -> list[float]:
    """The learning rate of each step of a cosine schedule."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    schedule = get_cosine_schedule_with_warmup(optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.parametrize("name", ["processor_config", "video_preprocessor_config", "preprocessor_config"])
def test_a_saved_checkpoint_keeps_the_settings_for_videos(name: str, tiny_qwen2_vl: Path, tmp_path: Path) -> None:
    base = shutil.copytree(tiny_qwen2_vl, tmp_path / "base")
    settings, path = {"patch_size": 14, "min_pixels": 3136}, base / f"{name}.json"
    known = store.read_json(path) if path.exists() else {}
    store.write_json(path, {**known, "video_processor": settings} if known else settings)
    save_model(open_trainable(str(base)), tiny_qwen2_vl, tmp_path / "model", torch.float32)
    assert store.read_json(tmp_path / "model" / "video_preprocessor_config.json") == settings
    save_model(open_trainable(str(tiny_qwen2_vl)), tiny_qwen2_vl, tmp_path / "without", torch.float32)
    assert not (tmp_path / "without" / "video_preprocessor_config.json").exists()
