"""Workers of a data loader get examples and encoder, and never the network."""

import io
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tiny import some_examples
from torch.utils.data import DataLoader

from ninefold.data.format.dataset import Dataset
from ninefold.models.load import open_trainable
from ninefold.training import dataset
from ninefold.training.dataset import StepDataset, TrainingSet, collated
from ninefold.training.memory import MemoryPlan

FAMILIES = ["tiny_llava", "tiny_qwen2_vl", "tiny_llava_onevision", "tiny_molmo", "tiny_clip"]
PLAN = MemoryPlan(micro_batch=2, tokens=10_000, gradient_checkpointing=False, unused_parameters=False)


class NoNetwork(pickle.Pickler):
    def reducer_override(self, value: object) -> object:
        assert not isinstance(value, torch.nn.Module), type(value).__name__
        return NotImplemented


def dumped(steps: object) -> bytes:
    file = io.BytesIO()
    NoNetwork(file).dump(steps)
    return file.getvalue()


def same(step: dict[str, object], other: dict[str, object]) -> bool:
    pairs = zip(step["micro_batches"], other["micro_batches"], strict=True)
    return all(one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one) for one, two in pairs)


@pytest.fixture
def read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(dataset, "CACHE_BYTES", 0)
    yield


@pytest.mark.usefixtures("read_when_asked_for")
@pytest.mark.parametrize("family", FAMILIES)
def test_what_a_worker_gets_holds_no_network(family: str, request: pytest.FixtureRequest) -> None:
    model = open_trainable(str(request.getfixturevalue(family)))
    steps = StepDataset(TrainingSet(some_examples(4), model.encoder), PLAN, torch.float32)
    assert steps.training_set.workers > 0
    copy = pickle.loads(dumped(steps))
    assert same(copy.__getitems__([2, 0, 1]), steps.__getitems__([2, 0, 1]))
    with pytest.raises(AssertionError, match=r"Llava|Qwen2VL|Molmo|CLIP"):
        dumped([steps, model.model])


@pytest.mark.usefixtures("read_when_asked_for")
def test_a_spawned_worker_loads_the_batch_that_the_process_itself_makes(tiny_llava: Path, few: Path) -> None:
    examples = Dataset.open(few).sequence("train")
    steps = StepDataset(TrainingSet(examples, open_trainable(str(tiny_llava)).encoder), PLAN, torch.float32)
    loader = DataLoader(steps, batch_size=3, collate_fn=collated, num_workers=1, multiprocessing_context="spawn")
    # What is sent to the worker holds no image, however many there are.
    assert len(pickle.dumps(steps.training_set.examples)) < 1000
    loaded = next(iter(loader))
    assert loaded["plan"] == PLAN
    assert [batch["indices"].tolist() for batch in loaded["micro_batches"]] == [[0], [1, 2]]
    assert same(loaded, steps.__getitems__([0, 1, 2]))
