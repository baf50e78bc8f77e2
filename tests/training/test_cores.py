"""On a CPU the micro-batches of a step share the cores; how many there are changes nothing."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tiny import some_examples
from training_runs import assert_same_adapter

from ninefold.models.compute.prefetch import Workers, torch_threads
from ninefold.models.load import open_trainable
from ninefold.training import processes, trainer
from ninefold.training.dataset import StepDataset, TrainingSet
from ninefold.training.memory import MemoryPlan
from ninefold.training.parameters import made_trainable
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train

LORA = {"pattern": r".*q_proj", "rank": 4, "alpha": 8, "dropout": 0.0, "init": "gaussian"}
FAMILIES = ["tiny_llava", "tiny_qwen2_vl", "tiny_llava_onevision", "tiny_molmo", "tiny_clip"]
WHOLE = MemoryPlan(8, 10_000, False, False)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_of_parts_sum_to_that_of_the_whole_batch(family: str, request: pytest.FixtureRequest) -> None:
    model = open_trainable(str(request.getfixturevalue(family)))
    training_set = TrainingSet(some_examples(8), model.encoder)
    lora = {**LORA, "pattern": model.family.scopes["language"]}
    with made_trainable(model, {"lora": lora, "scope": "language", "seed": 0}, restore=True) as trainable:
        network = trainable.network
        # A gradient that depends on all matrices: those that LoRA begins with are zero.
        for name, value in network.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(value, std=0.1, generator=torch.Generator().manual_seed(0))
        trained = {name: value for name, value in network.named_parameters() if value.requires_grad}
        scale = torch.tensor(0.25)

        def gradient(plan: MemoryPlan, workers: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
            network.zero_grad()
            parts = StepDataset(training_set, plan, torch.float32).__getitems__(range(8))["micro_batches"]
            state = SimpleNamespace(
                losses=model.losses,
                args=SimpleNamespace(device="cpu"),
                train_dataset=SimpleNamespace(plan=plan),
                _inputs=lambda batch: {name: value for name, value in batch.items() if name != "indices"},
            )
            with Workers(workers) as state.workers:
                loss = trainer.AnswerTrainer._accumulate_together(state, network, parts, scale)
            return loss, {name: value.grad.clone() for name, value in trained.items()}

        network.train()
        loss, whole = gradient(WHOLE, 1)
        split = replace(WHOLE, micro_batch=3, concurrent=3)
        one, three = gradient(split, 1), gradient(split, 3)
        assert one[0].item() == pytest.approx(loss.item(), rel=1e-5)
        assert torch.equal(one[0], three[0])
        for name, value in whole.items():
            assert value.abs().sum() > 0, name
            torch.testing.assert_close(one[1][name], value, rtol=1e-3, atol=1e-6)
            assert torch.equal(one[1][name], three[1][name]), name


@pytest.mark.parametrize("change", [{"recompute": True}, {"dropout": 0.2}])
def test_the_number_of_cores_changes_no_byte(spec: TrainSpec, tmp_path: Path, change: dict[str, object]) -> None:
    spec = replace(spec, epochs=1, micro_batch=2, **change)
    for count in (1, 3):
        with torch_threads(count):
            train(spec, tmp_path / str(count))
            assert torch.get_num_threads() == count
    assert_same_adapter(tmp_path / "1", tmp_path / "3")
    histories = [(tmp_path / count / "history.json").read_bytes() for count in ("1", "3")]
    assert histories[0] == histories[1]
    # Random numbers are drawn in one order: one micro-batch at a time.
    plan = json.loads((tmp_path / "3" / "provenance.json").read_text())["plan"]
    assert plan["concurrent"] == (1 if "dropout" in change else 4)


def test_the_cores_are_shared_by_threads_or_by_processes(tiny_llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = open_trainable(str(tiny_llava)).model
    plan = replace(WHOLE, concurrent=2)
    monkeypatch.setattr("ninefold.models.compute.prefetch.os.cpu_count", lambda: 8)
    with torch_threads(8):
        with processes.shared_cores(network, plan) as workers:
            assert (workers.count, workers.cores, torch.get_num_threads()) == (2, 1, 1)
        assert torch.get_num_threads() == 8
        # A large network, of whose micro-batches only two fit in memory, uses all cores.
        monkeypatch.setattr("ninefold.training.processes.batch_per_core", lambda network: False)
        with processes.shared_cores(network, plan) as workers:
            assert (workers.count, workers.cores) == (2, 4)
        several = SimpleNamespace(num_processes=4, device=torch.device("cpu"))
        monkeypatch.setattr("ninefold.training.processes.processes", lambda: several)
        monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
        with processes.shared_cores(network, plan) as workers:
            assert (workers, torch.get_num_threads()) == (None, 2)


def test_out_of_memory_fewer_micro_batches_are_computed_at_the_same_time(
    spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = replace(spec, epochs=1, micro_batch=2)
    plain, most = trainer.AnswerTrainer._inputs, []

    def short(self: trainer.AnswerTrainer, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        most.append(self.train_dataset.plan.concurrent)
        if self.model.training and most[-1] > 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return plain(self, batch)

    with torch_threads(2):
        with monkeypatch.context() as patch:
            patch.setattr(trainer.AnswerTrainer, "_inputs", short)
            train(spec, tmp_path / "short")
        train(spec, tmp_path / "roomy")
    assert (most[0], most[-1]) == (4, 1)
    assert "out of memory; going on with" in capsys.readouterr().err
    assert_same_adapter(tmp_path / "short", tmp_path / "roomy")
