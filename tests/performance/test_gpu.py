import json
import sys

import gpu
import gpu_spare
import gpu_training
import pytest
import torch
from gpu_configs import TINY, TRUE
from gpu_flops import forward, seen
from gpu_models import MODELS, network, opened, rows, tokenizer
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ninefold.models.vlm.continuation import IGNORED
from ninefold.models.vlm.encoder import Encoder

IMAGE_TOKENS = {
    "llava-next": 2928,
    "llava-onevision": 576,
    "molmo-d": 928,
    "molmo-o": 928,
    "qwen2-vl": 576,
    "qwen2-vl-2b": 576,
}


@pytest.mark.parametrize("name", MODELS)
def test_models_have_their_true_sizes(name):
    config, processor = MODELS[name].make(tokenizer(), TRUE)
    model = network(config, device="meta", dtype=torch.bfloat16)
    assert sum(weight.numel() for weight in model.parameters()) == MODELS[name].parameters
    if name == "clip":
        return
    example = rows(1, TRUE)[0]
    encoder = Encoder(processor, [processor.tokenizer.eos_token_id])
    ids = encoder.prompts([example], [encoder.image(example)])[0].ids
    image_token = config.image_token_id
    assert (ids == image_token).sum() == IMAGE_TOKENS[name]
    layout = 44 if name.startswith("molmo") else 0
    assert 70 <= len(ids) - IMAGE_TOKENS[name] - layout <= 110


@pytest.mark.parametrize("name", [name for name in MODELS if name != "qwen2-vl-2b"])
def test_operations_are_those_that_torch_counts(name):
    model = opened(name, TINY, device="cpu", dtype=torch.float32)
    examples = rows(2, TINY)
    batch = model.training_batch(examples, [model.encoder.image(example) for example in examples])
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        model.losses(model.model, batch)
    texts, length = batch["input_ids"].shape
    logits = int((batch["labels"] != IGNORED).sum())
    found = forward(model.model, [length] * texts, logits=logits, image=seen(model.model, batch))
    # Torch counts the masked half of causal attention too.
    assert found.total + found.language_attention == pytest.approx(counted.get_total_flops(), rel=0.02)


def test_operations_of_training_are_those_that_torch_counts():
    model = opened("llava-next", TINY, device="cpu", dtype=torch.float32)
    example = rows(1, TINY)[0]
    batch = model.training_batch([example], [model.encoder.image(example)])
    model.model.requires_grad_(False).get_input_embeddings().requires_grad_(True)
    with FlopCounterMode(display=False) as counted, sdpa_kernel(SDPBackend.MATH):
        model.losses(model.model, batch)[0].mean().backward()
    logits = int((batch["labels"] != IGNORED).sum())
    found = forward(model.model, [batch["input_ids"].shape[1]], logits=logits, image=seen(model.model, batch))
    found = found.training(through_vision=False, recompute=False)
    assert found.total + found.language_attention == pytest.approx(counted.get_total_flops(), rel=0.02)


def test_smoke_fills_the_table_and_names_what_failed(tmp_path, monkeypatch, capsys):
    plainly = gpu_training._plainly

    def fails_once(model, rows, scope, seconds):
        if scope == "language":
            raise RuntimeError("no room\nat all")
        return plainly(model, rows, scope, seconds)

    monkeypatch.setattr("gpu_training._plainly", fails_once)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    out = tmp_path / "gpu.jsonl"
    monkeypatch.setattr(
        sys, "argv", ["gpu.py", "--smoke", "--families", "clip", "--seconds", "0.01", "--out", str(out)]
    )
    gpu.main()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    failed = [line for line in lines if "error" in line]
    assert [(line["what"], line["error"]) for line in failed] == [("training, language", "RuntimeError: no room")]
    ways = ["plain, batch 2", "ninefold", "ninefold", "the authors' way: batch 1", "ninefold"]
    assert [line["way"] for line in lines if "error" not in line] == ways
    assert all(line["a_second"] > 0 and line["tflop_each"] > 0 for line in lines if "error" not in line)
    table = out.with_suffix(".md").read_text()
    assert "| clip | training, language | the authors' way: batch 1 | | | | | | RuntimeError: no room |" in table
    assert table in capsys.readouterr().out


def test_both_ways_of_training_on_pairs_are_measured(tmp_path, monkeypatch, capsys):
    out = tmp_path / "spare.json"
    options = ["--smoke", "--sizes", "2b", "--images", "4", "--seconds", "0.001", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["gpu_spare.py", *options])
    gpu_spare.main()
    lines = json.loads(out.read_text())
    assert [(line["way"], line["method"]) for line in lines] == [("pairs", "full"), ("conversations", "full")]
    assert all(line["pairs_a_second"] > 0 for line in lines)
    assert "| Qwen2-VL-2B | full, adamw" in capsys.readouterr().out
