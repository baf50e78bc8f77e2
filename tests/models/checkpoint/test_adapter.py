"""An adapter evaluates as it was trained, whether it is merged or not; what is not finite is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tiny import some_examples

from ninefold.errors import ModelError
from ninefold.models.load import open_trainable
from ninefold.models.spec import ModelSpec

EXAMPLES = some_examples(16)[:3]
# PEFT warns of everything that is tested here.
pytestmark = pytest.mark.filterwarnings("ignore")
ATTENTION = r".*(language_model|text_model).*\.(q_proj|v_proj)|.*att_proj"


def trained(base: str, folder: Path, **settings: Any) -> list[float]:
    """Save an adapter of a base with random weights, and return training's log-probabilities of the true answers."""
    model = open_trainable(base)
    network = get_peft_model(model.model, LoraConfig(r=4, lora_alpha=64, init_lora_weights=False, **settings)).eval()
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
