"""An adapter on an open base is the model that opening both gives, and the base stays as it was."""

import gc
import json
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from tiny import some_examples

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.errors import ModelError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import registry
from ninefold.models.fake import FakeModel
from ninefold.models.load import open_model, open_trainable
from ninefold.models.resident import Resident, with_adapter
from ninefold.models.spec import ModelSpec
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

EXAMPLES = some_examples(16)
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "few"
    splits = {"train": EXAMPLES[:8], "validation": EXAMPLES[8:12], "test": EXAMPLES[12:]}
    dataset.write(folder, splits, about=About("few", "A few rows.", {}))
    return folder


@pytest.fixture(scope="module")
def adapter(tiny_llava: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter with random weights, biases among them."""
    folder = tmp_path_factory.mktemp("adapter")
    tuned = get_peft_model(
        open_trainable(str(tiny_llava)).model,
        LoraConfig(r=2, target_modules=r".*\.(q_proj|v_proj)", init_lora_weights=False, bias="all"),
    )
    for weight in tuned.parameters():
        if weight.requires_grad:
            weight.data += 0.1
    tuned.save_pretrained(str(folder))
    return folder


def values(model: object) -> dict[str, bytes]:
    """Return the bytes of every tensor of an open model."""
    tensors = model.model.state_dict().items()  # type: ignore[attr-defined]
    return {name: tensor.contiguous().view(torch.uint8).numpy().tobytes() for name, tensor in tensors}


def test_runs_on_one_open_base_are_those_of_models_opened_alone(data: Path, tiny_llava: Path, tmp_path: Path) -> None:
    def specs(folder: Path, seed: int) -> tuple[TrainSpec, EvaluateSpec]:
        base = ModelSpec(str(tiny_llava))
        trained = TrainSpec(base, (data,), seed=seed, rank=4, epochs=1, learning_rate=0.01)
        return trained, EvaluateSpec(replace(base, adapter=folder / f"train-{seed}"), data, scoring="choice")

    shared, alone, resident = tmp_path / "shared", tmp_path / "alone", Resident()
    for seed in (0, 1):
        training, asked = specs(shared, seed)
        with resident.model(training.model) as base:
            train(training, shared / f"train-{seed}", model=base)  # type: ignore[arg-type]
        with resident.model(asked.model) as tuned:
            evaluate(asked, shared / f"test-{seed}", model=tuned, progress=False)
    training, asked = specs(alone, 1)
    train(training, alone / "train-1")
    evaluate(asked, alone / "test-1", progress=False)
    for name in ("spec.json", "metrics.json", "scores.parquet"):
        assert (shared / "test-1" / name).read_bytes() == (alone / "test-1" / name).read_bytes()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_biases_of_an_adapter_leave_with_it(dtype: str, tiny_llava: Path, adapter: Path) -> None:
    spec = ModelSpec(str(tiny_llava), dtype=dtype)  # type: ignore[arg-type]
    base = open_trainable(spec)
    before, expected = values(base), base.choice_scores(EXAMPLES)
    alone = open_model(ModelSpec(str(tiny_llava), adapter, dtype=dtype))  # type: ignore[arg-type]
    with with_adapter(base, adapter) as tuned:
        assert tuned.choice_scores(EXAMPLES) == alone.choice_scores(EXAMPLES) != expected
        with pytest.raises(ModelError, match="has an adapter already"), with_adapter(tuned, adapter):
            pass
    assert values(base) == before
    assert base.choice_scores(EXAMPLES) == expected


def test_the_base_stays_as_it_was_whatever_fails(
    tiny_llava: Path, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = open_trainable(str(tiny_llava))
    before = values(base)
    with pytest.raises(KeyboardInterrupt), with_adapter(base, adapter):
        raise KeyboardInterrupt
    broken = shutil.copytree(adapter, tmp_path / "broken")
    tensors = load_file(broken / WEIGHTS)
    save_file(
        {name: tensor for name, tensor in tensors.items() if "layers.1.self_attn.v" not in name}, broken / WEIGHTS
    )
    with pytest.raises(ModelError, match="lacks"), with_adapter(base, broken):
        pass
    (broken / WEIGHTS).write_bytes(b"broken")
    with pytest.raises(ModelError, match=WEIGHTS), with_adapter(base, broken):
        pass
    alone = open_model(ModelSpec(str(tiny_llava), adapter)).choice_scores(EXAMPLES)
    monkeypatch.setattr(PeftModel, "merge_and_unload", lambda tuned: tuned.unload(), raising=False)
    with with_adapter(base, adapter) as unmerged:
        assert isinstance(unmerged.model, PeftModel)
        assert [max(row) for row in unmerged.choice_scores(EXAMPLES)] == pytest.approx([*map(max, alone)], abs=1e-4)
    assert values(base) == before


def test_another_base_is_opened_after_the_first_is_released(tiny_llava: Path, tmp_path: Path) -> None:
    copy, resident = shutil.copytree(tiny_llava, tmp_path / "copy"), Resident()
    with resident.model(str(copy)) as first:
        network = weakref.ref(first.model)  # type: ignore[attr-defined]
    settings = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**settings, "changed": True}))
    del first
    with resident.model(str(copy)) as again:
        gc.collect()
        assert network() is None
        assert again.identity == open_model(str(copy)).identity


def test_registered_models_stay_open_and_take_their_own_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ModelSpec] = []

    def opened(spec: ModelSpec) -> FakeModel:
        asked.append(spec)
        return FakeModel(lambda example: "center")

    monkeypatch.setitem(registry.REGISTERED, "own", opened)
    resident, tuned = Resident(), ModelSpec("own", Path("adapter"))
    for spec in (ModelSpec("own"), ModelSpec("own"), tuned, tuned):
        with resident.model(spec) as model:
            assert model.predict(EXAMPLES[:1])[0].text == "center"
    assert asked == [ModelSpec("own"), tuned]


def test_an_adapter_beside_the_weights_is_decoded_greedily(tiny_llava: Path, adapter: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_llava, tmp_path / "sampling")
    path = copy / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "do_sample": True, "temperature": 5.0}))
    tuned = open_trainable(ModelSpec(str(copy), adapter, dtype="bfloat16"))
    assert not tuned.model.get_base_model().generation_config.do_sample
