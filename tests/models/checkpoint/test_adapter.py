"""An adapter evaluates as it was trained, whether it is merged or not; what is not finite is refused."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LilyConfig, LoraConfig, PeftModel, PromptTuningConfig, get_peft_model
from safetensors.torch import load_file, save_file
from tiny import some_examples

from ninefold.errors import ModelError
from ninefold.models.checkpoint.adapter_settings import check_settings
from ninefold.models.load import open_trainable
from ninefold.models.resident import Resident
from ninefold.models.spec import ModelSpec

EXAMPLES = some_examples(16)[:3]
# PEFT warns of everything that is tested here.
pytestmark = pytest.mark.filterwarnings("ignore")
ATTENTION = r".*(language_model|text_model).*\.(q_proj|v_proj)|.*att_proj"


def trained(base: str, folder: Path, config: Any = None, **settings: Any) -> list[float]:
    """Save an adapter of a base with random weights, and return training's log-probabilities of the true answers."""
    model = open_trainable(base)
    config = config or LoraConfig(r=4, lora_alpha=64, init_lora_weights=False, **settings)
    network = get_peft_model(model.model, config).eval()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for name, weight in network.named_parameters():
            if weight.requires_grad:
                start = weight.detach() if "modules_to_save" in name else 0
                weight.data = start + 0.05 * torch.randn_like(weight)
    with torch.inference_mode():
        batch = model.training_batch(EXAMPLES, [model.encoder.image(example) for example in EXAMPLES])
        losses_K, rows_K = model.losses(network, batch)
    network.save_pretrained(str(folder))
    found: list[float] = torch.zeros(len(EXAMPLES)).index_add_(0, rows_K, -losses_K).tolist()
    return found


def state(model: Any) -> dict[str, object]:
    """Return everything about a model's network that an adapter may change."""
    network = model.model
    return {
        "modules": [(name, module, type(module)) for name, module in network.named_modules()],
        "weights": {name: hash(tensor.numpy().tobytes()) for name, tensor in network.state_dict().items()},
        "trained": [weight.requires_grad for weight in network.parameters()],
        "attributes": [sorted(module.__dict__) for module in network.modules()],
        "config": network.config.to_dict(),
        "hooks": [
            [*module._forward_hooks.values(), *module._forward_pre_hooks.values()] for module in network.modules()
        ],
    }


def evaluated(model: Any) -> list[float]:
    """Return evaluation's log-probabilities of the true answers."""
    scores = model.choice_scores(EXAMPLES)
    return [row[example.options.index(example.answer)] for example, row in zip(EXAMPLES, scores, strict=True)]


@pytest.mark.parametrize(
    ("base", "settings", "merged"),
    [
        ("nano-qwen2-vl", {"target_modules": ["lm_head"]}, False),
        ("nano-qwen2-vl", {"target_modules": ["embed_tokens"]}, False),
        ("nano-llava-next", {"target_modules": ["lm_head", "embed_tokens"], "use_dora": True}, False),
        ("nano-llava-onevision", {"target_modules": ATTENTION, "modules_to_save": ["embed_tokens"]}, True),
        ("nano", {"target_modules": ATTENTION, "modules_to_save": ["lm_head"], "use_rslora": True}, True),
        ("nano-molmo", {"target_modules": ATTENTION, "use_dora": True}, True),
        ("nano-clip", {"target_modules": ["token_embedding", "q_proj"], "bias": "lora_only"}, True),
    ],
)
def test_evaluation_is_training(base: str, settings: dict[str, Any], merged: bool, tmp_path: Path) -> None:
    expected = trained(base, tmp_path, **settings)
    tuned = open_trainable(ModelSpec(base, tmp_path))
    assert evaluated(tuned) == pytest.approx(expected, rel=0, abs=1e-4)
    assert isinstance(tuned.model, PeftModel) is not merged
    resident = Resident()
    with resident.model(base) as opened:
        before = state(opened)
    with resident.model(ModelSpec(base, tmp_path)) as attached:
        assert evaluated(attached) == evaluated(tuned)
        assert attached.predict(EXAMPLES) == tuned.predict(EXAMPLES)
        assert (attached.name, attached.identity) == (tuned.name, tuned.identity)
        assert isinstance(attached.model, PeftModel) is not merged  # type: ignore[attr-defined]
    with resident.model(base) as again:
        assert again is opened
        assert state(again) == before


def test_what_merging_changes_stays_unmerged_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = trained("nano", tmp_path, target_modules=ATTENTION)
    open_trainable(ModelSpec("nano", tmp_path))
    assert not capsys.readouterr().err
    monkeypatch.setattr(PeftModel, "merge_and_unload", lambda tuned: tuned.unload(), raising=False)
    tuned = open_trainable(ModelSpec("nano", tmp_path))
    assert "not merged, because merging would change the answers" in capsys.readouterr().err
    assert evaluated(tuned) == pytest.approx(expected, rel=0, abs=1e-4)


def test_an_adapter_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    trained("nano", tmp_path, target_modules=ATTENTION)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    name = sorted(tensors)[-1]
    tensors[name].view(-1)[3] = float("nan")
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=rf"{name} holds NaN or infinity"):
        open_trainable(ModelSpec("nano", tmp_path))


def test_a_method_that_peft_cannot_merge_stays_unmerged_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = trained("nano", tmp_path, LilyConfig(r=4, target_modules=ATTENTION))
    tuned = open_trainable(ModelSpec("nano", tmp_path))
    assert "not merged, because PEFT does not merge LILY" in capsys.readouterr().err
    assert evaluated(tuned) == pytest.approx(expected, rel=0, abs=1e-4)


@pytest.mark.parametrize(
    ("config", "name"),
    [
        # Unmerged and without its tokens' places it would be the base, without a word.
        (LoraConfig(target_modules=ATTENTION, alora_invocation_tokens=[5]), "aLoRA"),
        (PromptTuningConfig(num_virtual_tokens=3, num_layers=2, token_dim=8, num_attention_heads=2), "PROMPT_TUNING"),
    ],
)
def test_a_method_that_acts_on_whole_prompts_is_refused_by_name(tmp_path: Path, config: Any, name: str) -> None:
    trained("nano", tmp_path, target_modules=ATTENTION)
    config.save_pretrained(str(tmp_path))
    with pytest.raises(ModelError, match=rf"adapter_config\.json: {name} acts on the prompt as a whole"):
        open_trainable(ModelSpec("nano", tmp_path))


def test_a_setting_of_another_type_is_refused_by_file_and_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def written(**settings: Any) -> Path:
        path.write_text(json.dumps(json.loads(saved) | settings))
        return tmp_path

    trained("nano", tmp_path, target_modules=ATTENTION)
    path = tmp_path / "adapter_config.json"
    saved = path.read_text()
    for name, value, why in (
        ("lora_alpha", float("nan"), "is NaN or infinite"),
        ("alpha_pattern", {"q_proj": float("inf")}, "is NaN or infinite"),
        ("lora_alpha", "64", 'must be a number, not "64"'),
        ("r", True, "must be a whole number, not true"),
        ("r", 4.0, "must be a whole number, not 4.0"),
        ("rank_pattern", {"q_proj": "x"}, 'must be an object (each a whole number) or null, not {"q_proj": "x"}'),
        ("rank_pattern", ["q_proj"], "must be an object"),
        ("target_modules", 5, "must be a list (each a text) or a text or null, not 5"),
        ("target_modules", ["q_proj", 1], "must be a list"),
        ("use_dora", "no", "must be true or false"),
        ("bias", False, "must be a text, not false"),
        ("peft_type", "BEST", 'is "BEST", no method of the installed PEFT'),
        ("peft_type", ["LORA"], 'is ["LORA"], no method of the installed PEFT'),
    ):
        with pytest.raises(ModelError, match=re.escape(f"{path}: {name} {why}")):
            check_settings(written(**{name: value}))
    with pytest.raises(ModelError, match="r must be a whole number"):
        open_trainable(ModelSpec("nano", written(r="4")))
    written(lora_alpha=64.0, task_type=None, newer_off=False, rank_pattern={"q_proj": 4})
    open_trainable(ModelSpec("nano", tmp_path))
    assert not capsys.readouterr().err
    check_settings(written(newer=True))
    assert "newer is unknown to the installed PEFT" in capsys.readouterr().err
