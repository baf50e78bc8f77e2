"""Short cuts change no answer: beginnings read once, the last layer's last position, options in one row."""

import io
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import some_examples
from transformers import DynamicCache, LlamaConfig

from ninefold.errors import ModelError
from ninefold.models.compute import memory
from ninefold.models.families import GENERIC
from ninefold.models.shortcuts import Shortcuts
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm import batching, prefix_reuse
from ninefold.models.vlm.batching import pack
from ninefold.models.vlm.decoder import Decoder
from ninefold.models.vlm.kv_cache import new_cache
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.models.vlm.prompt import Prompt, Tensors
from ninefold.models.vlm.reference import ReferenceDecoder
from ninefold.types import Example, Prediction

PLAIN = Shortcuts(own_decoding=False)


@pytest.fixture(scope="module", params=["tiny_llava", "tiny_llava_onevision", "tiny_molmo", "tiny_qwen2_vl"])
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


class Expected(NamedTuple):
    """What the plain decoder of transformers finds."""

    answers: list[Prediction]
    scores: list[tuple[float, ...]]
    states: np.ndarray


@pytest.fixture(scope="module")
def plain(folder: Path) -> Expected:
    model = VisionLanguageModel.load(ModelSpec(str(folder), shortcuts=PLAIN))
    examples = questions()
    found = Expected(
        model.predict(examples, max_new_tokens=6), model.choice_scores(examples), model.hidden_states(examples)
    )
    assert isinstance(model._decoder, ReferenceDecoder)
    return found


def questions() -> list[Example]:
    """Seven questions of unequal lengths on three pictures of unequal sizes, in no order; one picture has one alone."""
    pictures = []
    for place, (width, height) in enumerate([(96, 96), (130, 70), (60, 120)]):
        pixels = np.random.default_rng(place).integers(0, 256, (height, width, 3), dtype=np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        pictures.append(file.getvalue())
    asked = zip(some_examples(7), [0, 1, 0, 2, 1, 0, 1], ["", "two", "", "", "few more words", "", "two"], strict=True)
    return [
        replace(example, id=str(place), image=pictures[which], prompt=f"{example.prompt} {more}")
        for place, (example, which, more) in enumerate(asked)
    ]


@pytest.mark.parametrize(
    "shortcuts",
    [Shortcuts(), Shortcuts(prefix_reuse=False, last_position=False)],
    ids=["all short cuts", "the loop alone"],
)
def test_answers_scores_and_states_are_those_of_the_plain_decoder(
    folder: Path, plain: Expected, shortcuts: Shortcuts
) -> None:
    short = VisionLanguageModel.load(ModelSpec(str(folder), shortcuts=shortcuts))
    examples = questions()
    assert short.predict(examples, max_new_tokens=6) == plain.answers
    assert torch.allclose(torch.tensor(short.choice_scores(examples)), torch.tensor(plain.scores), rtol=0, atol=1e-5)
    np.testing.assert_allclose(short.hidden_states(examples), plain.states, rtol=0, atol=1e-5)
    assert isinstance(short._decoder, Decoder)


WITHOUT = {
    "kv_cache": ("ninefold.models.vlm.decoder.new_cache", lambda config: DynamicCache(config=config)),
    "prefetch": ("ninefold.models.vlm.model.prefetch", map),
    "patch_embedding": ("ninefold.models.checkpoint.network.flatten_patch_embeddings", lambda network: None),
    "resize": ("ninefold.models.compute.resize.resize", lambda image, size, resample: image.resize(size, resample)),
    "fixed_size": ("ninefold.models.vlm.fixed_size.FixedSize.of", lambda image_processor: None),
}
"""What computes faster without a switch of its own, and the plain form that it can be replaced by in one line."""


@pytest.mark.parametrize("shortcut", WITHOUT)
def test_each_shortcut_can_be_taken_out(
    folder: Path, plain: Expected, shortcut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*WITHOUT[shortcut])
    model = VisionLanguageModel.load(str(folder))
    assert model.predict(questions(), max_new_tokens=6) == plain.answers
    assert isinstance(model._decoder, Decoder)


def positions_read(model: VisionLanguageModel, examples: list[Example]) -> int:
    """How many positions the language model reads to answer with one token each, padding included."""
    read = []
    embeddings = model.model.get_input_embeddings()
    handle = embeddings.register_forward_hook(lambda module, arguments, _: read.append(arguments[0].numel()))
    model.predict(examples, max_new_tokens=1)
    handle.remove()
    return sum(read)


def test_a_beginning_is_read_once_a_picture(folder: Path) -> None:
    model = VisionLanguageModel.load(str(folder))
    first, second = questions()[0], questions()[2]
    model.predict([first])
    lengths = [len(prompt.ids) for prompt in model.encoder.prompts([first, second], [model.encoder.image(first)] * 2)]
    read = positions_read(model, [first, second])
    # The picture stands in both prompts and is read once; what follows the first different word is read for each.
    image_tokens = model.image_input(first).image_tokens
    assert image_tokens > 4
    assert read <= sum(lengths) - image_tokens
    assert positions_read(
        VisionLanguageModel.load(ModelSpec(str(folder), shortcuts=Shortcuts(prefix_reuse=False))), [first, second]
    ) == (2 * max(lengths))


def test_the_last_layer_finishes_one_position(folder: Path) -> None:
    found: dict[bool, list[tuple[int, ...]]] = {True: [], False: []}
    for on, shapes in found.items():
        model = VisionLanguageModel.load(ModelSpec(str(folder), shortcuts=Shortcuts(last_position=on)))
        named = dict(model.model.named_modules())
        last = max(name for name in named if re.fullmatch(model.family.tokenwise_modules, name) and "vis" not in name)
        named[last].register_forward_hook(lambda module, arguments, _, shapes=shapes: shapes.append(arguments[0].shape))
        model.predict(questions()[:1], max_new_tokens=1)
    assert [shape[1] for shape in found[True]] == [1]
    assert found[False][0][1] > 10


def test_a_family_without_a_row_is_tried_first(
    tiny_llava: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def generic() -> VisionLanguageModel:
        model = VisionLanguageModel.load(str(tiny_llava))
        model.family = GENERIC
        return model

    examples = questions()[:2]
    agreeing = generic()
    answers = agreeing.predict(examples, max_new_tokens=3)
    assert isinstance(agreeing._decoder, Decoder)
    assert capsys.readouterr().err == ""
    # Some families let a prompt's beginning see its end: read alone, it is another one.
    monkeypatch.setattr(prefix_reuse, "_common", lambda one, other: min(len(one), len(other)) - 1)
    differing = generic()
    assert differing.predict(examples, max_new_tokens=3) == answers
    assert isinstance(differing._decoder, ReferenceDecoder)
    assert "short cuts change what it answers" in capsys.readouterr().err


def crowded(model: VisionLanguageModel, monkeypatch: pytest.MonkeyPatch, most: int) -> list[int]:
    """Let a model's memory hold ``most`` prompts, and return the batches it is asked for."""
    read, asked = Decoder.read, []

    def checked(self: Decoder, prompts: list[Prompt], **options: bool) -> object:
        asked.append(len(prompts))
        if len(prompts) > most:
            raise RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
            )
        return read(self, prompts, **options)

    monkeypatch.setattr(Decoder, "read", checked)
    return asked


def test_out_of_memory_halves_the_batch(
    tiny_llava: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    examples = some_examples(11)
    expected = VisionLanguageModel.load(str(tiny_llava)).predict(examples, max_new_tokens=3)
    model = VisionLanguageModel.load(str(tiny_llava))
    asked = crowded(model, monkeypatch, 3)
    assert model.predict(examples, max_new_tokens=3) == expected
    assert asked == [11, 5, 2, 2, 1, 2, 2, 1, 1]
    assert capsys.readouterr().err.splitlines() == [
        "tiny-llava: not enough memory for 11 prompts at once; going on with 5",
        "tiny-llava: not enough memory for 5 prompts at once; going on with 2",
    ]
    asked.clear()
    assert model.predict(examples[:5], max_new_tokens=3) == expected[:5]
    assert asked == [2, 2, 1]


def test_no_memory_for_one_prompt_is_an_error(tiny_llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = VisionLanguageModel.load(str(tiny_llava))
    crowded(model, monkeypatch, 0)
    with pytest.raises(ModelError, match=r"tiny-llava: not enough memory for one prompt of \d+ tokens") as caught:
        model.predict(some_examples(2))
    assert "\n" not in str(caught.value)


def test_only_a_lack_of_memory_halves() -> None:
    assert memory.out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert not memory.out_of_memory(RuntimeError("shapes differ"))


def group(start: int, *lengths: int) -> batching.Batch:
    """Prompts about one picture, of these lengths, from a place on."""
    picture: Tensors = {}
    return [
        (start + place, Prompt({"input_ids": np.zeros(length, int)}, picture)) for place, length in enumerate(lengths)
    ]


def places(batches: Iterable[batching.Batch]) -> list[list[int]]:
    return [[place for place, _ in batch] for batch in batches]


def test_batches_hold_as_many_tokens_as_they_may() -> None:
    groups = [group(0, 50, 50), group(2, 49), group(3, 48), group(4, 48)]
    assert places(pack(groups, 150, apart=False, alone=False)) == [[0, 1, 2], [3, 4]]
    assert places(pack(groups, 150, apart=True, alone=False)) == [[0, 1], [2, 3, 4]]
    assert places(pack(groups, 150, apart=False, alone=True)) == [[0], [1], [2], [3], [4]]
    assert places(pack(groups, 9, apart=False, alone=False)) == [[0], [1], [2], [3], [4]]
    assert places(pack([group(0, *[10] * 7)], 30, apart=True, alone=False)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert places(pack([], 150, apart=True, alone=False)) == []


def test_a_large_batch_is_hardly_padding_and_a_small_one_may_be() -> None:
    assert places(pack([group(0, 50), group(1, 50), group(2, 40)], 150, apart=True, alone=False)) == [[0, 1], [2]]
    assert places(pack([group(0, 18), group(1, 10)], 150, apart=True, alone=False)) == [[0, 1]]


def test_a_cache_with_room_holds_what_transformers_own_holds() -> None:
    own, roomy = DynamicCache(config=LlamaConfig(num_hidden_layers=1)), new_cache(LlamaConfig(num_hidden_layers=1))
    generator = torch.Generator().manual_seed(0)
    rows = torch.tensor([1, 0, 1, 1])
    for step in range(24):
        if step in (2, 9):
            for cache in (own, roomy):
                cache.batch_select_indices(rows)
                cache.batch_select_indices(rows[:3])
        batch = 2 if step < 2 else 3
        keys, values = torch.randn(2, batch, 2, 3 if step % 3 else 1, 4, generator=generator)
        for one, other in zip(own.update(keys, values, 0), roomy.update(keys, values, 0), strict=True):
            assert torch.equal(one, other)
        assert own.get_seq_length() == roomy.get_seq_length()
