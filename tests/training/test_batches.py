"""Labels stand on answer tokens alone, the end token included; the loss is that of the plain model."""

from collections import Counter
from pathlib import Path

import pytest
import torch
from tiny import some_examples
from transformers import AutoModelForImageTextToText, AutoProcessor

from ninefold.images import open_pil
from ninefold.models.compat import keeps_logits_by_mask
from ninefold.models.compute.prefetch import torch_threads
from ninefold.models.load import open_trainable
from ninefold.models.vlm.continuation import IGNORED
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.models.vlm.reference import answer_logits, to_device
from ninefold.training.dataset import StepDataset, TrainingSet
from ninefold.training.memory import MemoryPlan
from ninefold.training.sampler import LengthBuckets


@pytest.fixture(scope="module")
def model(tiny_llava: Path) -> VisionLanguageModel:
    return VisionLanguageModel.load(str(tiny_llava))


def collated(model: VisionLanguageModel, count: int) -> dict[str, torch.Tensor]:
    return TrainingSet(some_examples(count), model.encoder).batch(range(count))


def test_labels_are_the_answer_and_the_end_token_and_nothing_else(model: VisionLanguageModel) -> None:
    batch = collated(model, 5)
    tokenizer = model.encoder.tokenizer
    for example, ids, mask, labels in zip(
        some_examples(5), batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True
    ):
        kept = labels != IGNORED
        assert tokenizer.decode(labels[kept]) == f"{example.answer}<|end|>"
        assert ids[kept].tolist() == labels[kept].tolist()
        whole = tokenizer.decode(ids[mask.bool()]).replace("<image>", "")
        assert whole == f"<|user|>{example.prompt}<|end|><|assistant|>{example.answer}<|end|>"


def test_the_loss_is_that_of_the_plain_model_on_whole_sequences(model: VisionLanguageModel, tiny_llava: Path) -> None:
    examples, batch = some_examples(4), to_device(model.model, collated(model, 4))
    labels = batch.pop("labels")
    logits, targets, rows = answer_logits(model.model, batch, labels)
    losses = torch.nn.functional.cross_entropy(logits, targets, reduction="none")
    processor, plain = (
        AutoProcessor.from_pretrained(tiny_llava),
        AutoModelForImageTextToText.from_pretrained(tiny_llava),
    )
    for row, example in enumerate(examples):
        text = f"<|user|><image>{example.prompt}<|end|><|assistant|>{example.answer}<|end|>"
        inputs = processor(text=[text], images=[open_pil(example.image)], return_tensors="pt")
        count = int((rows == row).sum())
        expected = inputs["input_ids"].clone()
        expected[:, :-count] = IGNORED
        loss = plain(**inputs, labels=expected).loss
        assert losses[rows == row].mean().item() == pytest.approx(loss.item(), rel=1e-5)


def test_logits_are_computed_at_kept_positions_alone(
    model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keeps_logits_by_mask(model.model)
    batch = to_device(model.model, collated(model, 3))
    labels = batch.pop("labels")
    seen = []
    model.model.lm_head.register_forward_hook(lambda module, inputs, output: seen.append(tuple(output.shape)))
    kept = answer_logits(model.model, batch, labels)[0]
    assert seen == [(int((labels != IGNORED).sum()), model.model.config.text_config.vocab_size)]
    monkeypatch.setattr("ninefold.models.compat.keeps_logits_by_mask", lambda model: False)
    torch.testing.assert_close(answer_logits(model.model, batch, labels)[0], kept)


def test_images_prepared_ahead_are_what_the_processor_would_make(model: VisionLanguageModel) -> None:
    examples = some_examples(3)
    training_set = TrainingSet(examples, model.encoder)
    assert training_set.workers == 0
    small = training_set.batch(range(3))["pixel_values"]
    large = model.encoder.processor.image_processor(
        [open_pil(example.image) for example in examples], return_tensors="pt"
    )
    assert torch.equal(small, large["pixel_values"])


def test_images_are_prepared_when_asked_for_where_they_do_not_fit(
    model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ninefold.training.dataset.CACHE_BYTES", 3 * 56 * 56 * 3 - 1)
    training_set = TrainingSet(some_examples(3), model.encoder)
    with torch_threads(1):
        assert TrainingSet(some_examples(3), model.encoder).workers == 1
    assert training_set.workers > 0
    assert training_set.batch([2])["pixel_values"].shape == (1, 3, 56, 56)


def test_every_epoch_has_all_examples_in_an_order_of_its_own() -> None:
    lengths = [100.0, 200.0] * 20 + [100.0] * 3
    order = LengthBuckets(lengths, 8, seed=0)
    first = list(order)
    order.set_epoch(1)
    second = list(order)
    assert sorted(first) == sorted(second) == list(range(43))
    assert first != second
    order.set_epoch(0)
    assert list(order) == first
    assert list(LengthBuckets(lengths, 8, seed=1)) != first
    kinds = Counter(len({lengths[index] for index in first[start : start + 8]}) for start in range(0, 43, 8))
    # 23 short and 20 long ones in batches of 8: only one batch holds both lengths.
    assert kinds == {1: 5, 2: 1}


def test_little_is_padded_where_pictures_differ(tiny_qwen2_vl: Path) -> None:
    training_set = TrainingSet(some_examples(64), open_trainable(str(tiny_qwen2_vl)).encoder)
    training_set.lengths = [60.0, 300.0, 150.0, 250.0] * 16
    steps = StepDataset(training_set, MemoryPlan(16, 2000, False, False), torch.float32)
    # Three micro-batches a step, each as wide as its longest: 5 x 150, 5 x 250 and 6 x 300 positions for 3040 tokens.
    assert steps.padding(list(range(64)), 16) == pytest.approx(0.2)
    assert steps.padding(list(LengthBuckets(training_set.lengths, 16, seed=0)), 16) == 0
