"""Where LoRA goes, and how it starts."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from ninefold.errors import ModelError
from ninefold.models.families import FAMILIES
from ninefold.training.lora import attach, matched

SCOPES = FAMILIES["llava"].scopes


@pytest.fixture
def base(tiny_llava: Path) -> torch.nn.Module:
    return AutoModelForImageTextToText.from_pretrained(tiny_llava)


def test_the_two_scopes_of_llava(base: torch.nn.Module) -> None:
    language = [f"model.language_model.layers.{n}.self_attn.{p}_proj" for n in (0, 1) for p in "qkv"]
    vision = [f"model.vision_tower.encoder.layers.{n}.self_attn.{p}_proj" for n in (0, 1) for p in "qkv"]
    assert sorted(matched(base, SCOPES["language"])) == sorted(language)
    assert sorted(matched(base, SCOPES["vision+language"])) == sorted(language + vision)


def test_what_is_adapted_and_how_it_starts(base: torch.nn.Module) -> None:
    model, modules = attach(base, SCOPES["language"], rank=4, alpha=8, seed=0, base="here")
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(trained) == 2 * len(modules) == 12
    assert all(".language_model." in name and "lora_" in name for name in trained)
    # 6 modules, from 32 to 4 and from 4 to 32.
    assert sum(value.numel() for value in model.parameters() if value.requires_grad) == 1536
    first = next(value for name, value in model.named_parameters() if "lora_A" in name)
    assert first.std().item() == pytest.approx(1 / 4, rel=0.3)
    assert all(value.abs().sum() == 0 for name, value in model.named_parameters() if "lora_B" in name)


def test_the_start_depends_on_the_seed_alone(tiny_llava: Path) -> None:
    def first_values(seed: int) -> torch.Tensor:
        base = AutoModelForImageTextToText.from_pretrained(tiny_llava)
        before = torch.get_rng_state()
        model, _ = attach(base, SCOPES["vision+language"], rank=4, alpha=8, seed=seed, base="here")
        assert torch.equal(torch.get_rng_state(), before)
        return torch.cat([value.flatten() for name, value in model.named_parameters() if "lora_A" in name])

    zero = first_values(0)
    torch.rand(3)
    assert torch.equal(first_values(0), zero)
    assert not torch.equal(first_values(1), zero)


def test_a_pattern_that_matches_nothing_is_an_error(base: torch.nn.Module) -> None:
    with pytest.raises(ModelError, match=r"att_proj.*matches no module.*fc1.*q_proj"):
        attach(base, r".*\.att_proj", rank=4, alpha=8, seed=0, base="here")


def test_a_rank_beyond_every_adapted_module_is_refused(base: torch.nn.Module) -> None:
    with pytest.raises(ModelError, match=r"--rank 1,000,000,000: the largest adapted module has 32 "):
        attach(base, r".*\.q_proj", rank=10**9, alpha=1, seed=0, base="b")
