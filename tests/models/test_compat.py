"""What models rely on that transformers and torch do not promise: a test each, so that an upgrade says what broke."""

import inspect
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from tiny import save_tiny_molmo, some_examples, tiny_tokenizer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForImageTextToText,
    AutoTokenizer,
    CLIPImageProcessorPil,
    GenerationMixin,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaNextImageProcessorPil,
    LlavaProcessor,
    PreTrainedModel,
    ProcessorMixin,
    Qwen2VLImageProcessorPil,
    Qwen2VLProcessor,
)

from ninefold.models import compat
from ninefold.models.ports.molmo import MolmoImageProcessor
from ninefold.models.ports.molmo.tokenization import MolmoTokenizer


@pytest.fixture(scope="module")
def llama() -> LlamaForCausalLM:
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return LlamaForCausalLM(LlamaConfig(**sizes, vocab_size=32, pad_token_id=0)).eval()


def test_the_cache_goes_in_and_comes_out_by_its_name(llama: LlamaForCausalLM) -> None:
    ids = torch.tensor([[3, 4, 5]])
    start = llama(ids[:, :2], use_cache=True)
    output = llama(ids[:, 2:], **{compat.CACHE: getattr(start, compat.CACHE)})
    torch.testing.assert_close(output.logits[:, -1], llama(ids).logits[:, -1])


def test_a_port_takes_the_cache_by_either_name() -> None:
    class Port:
        @compat.takes_cache
        def forward(self, ids: object, *, cache: object = None) -> object:
            return cache

    assert Port().forward(1, cache="held") == Port().forward(1, past_key_values="held") == "held"
    assert list(inspect.signature(Port.forward).parameters) == ["self", "ids", compat.CACHE]


def test_generate_passes_the_cache_by_its_name(llama: LlamaForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    forward, names = LlamaForCausalLM.forward, []

    def seen(self: LlamaForCausalLM, *args: object, **kwargs: object) -> object:
        names.append(compat.CACHE in kwargs)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(LlamaForCausalLM, "forward", seen)
    llama.generate(torch.tensor([[3, 4]]), max_new_tokens=2, min_new_tokens=2, do_sample=False)
    assert names == [True, True]


def test_positions_are_counted_over_real_tokens(llama: LlamaForCausalLM) -> None:
    inputs = {"input_ids": torch.tensor([[0, 0, 3, 4]]), "attention_mask": torch.tensor([[0, 0, 1, 1]])}
    assert compat.position_ids(llama, inputs)[0, 2:].tolist() == [0, 1]


def test_positions_of_images_have_an_axis_more(tiny_qwen2_vl: Path) -> None:
    from ninefold.models.load import open_trainable

    model = open_trainable(str(tiny_qwen2_vl))
    batch = model.encoder.encode(some_examples(1), model.encoder.images(some_examples(1)))
    positions = compat.position_ids(model.model, batch)
    assert positions.shape[1:] == batch["input_ids"].shape
    assert not torch.equal(positions[-1], positions[-2])  # columns and rows of the image


def test_logits_are_kept_by_a_mask_where_the_forward_slices_them(llama: LlamaForCausalLM) -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = llama

    class Other(nn.Module):
        def forward(self, ids: torch.Tensor) -> torch.Tensor:
            return ids

    mask = torch.tensor([[True, False, True]])
    assert compat.keeps_logits_by_mask(llama)
    assert compat.keeps_logits_by_mask(Wrapper())
    assert not compat.keeps_logits_by_mask(Other())
    assert llama(torch.tensor([[3, 4, 5]]), logits_to_keep=mask).logits.shape == (2, 32)


def test_features_are_taken_where_the_forward_has_the_argument(llama: LlamaForCausalLM, tiny_llava: Path) -> None:
    assert not compat.takes_image_features(llama)
    assert compat.takes_image_features(AutoModelForImageTextToText.from_pretrained(tiny_llava))


def test_plain_image_processors_inherit_their_preprocessing() -> None:
    assert compat.preprocesses_plainly(CLIPImageProcessorPil())
    # These cut images into tiles and patches.
    for other in (LlavaNextImageProcessorPil(), Qwen2VLImageProcessorPil(), MolmoImageProcessor()):
        assert not compat.preprocesses_plainly(other)


def test_a_center_crop_is_told_by_the_setting() -> None:
    assert compat.center_crops(CLIPImageProcessorPil())
    assert not compat.center_crops(CLIPImageProcessorPil(do_center_crop=False))
    assert not compat.center_crops(MolmoImageProcessor())


def test_processor_classes_are_found_by_configuration(tiny_llava: Path) -> None:
    assert compat.processor_class(AutoConfig.from_pretrained(tiny_llava)) is LlavaProcessor
    assert compat.processor_class(object()) is None


def test_a_processor_is_built_and_pickled_without_its_video_half() -> None:
    assert compat.takes_video(Qwen2VLProcessor)
    known = compat.without_video(Qwen2VLProcessor)
    assert not compat.takes_video(known)
    assert known.__name__ == "Qwen2VLProcessor"
    processor = known(Qwen2VLImageProcessorPil(), tiny_tokenizer(), chat_template="a template")
    found = pickle.loads(pickle.dumps(processor))
    assert (type(found), found.chat_template) == (known, "a template")


def test_a_ports_tokenizer_is_opened_by_its_model_type(tmp_path: Path) -> None:
    save_tiny_molmo(tmp_path)
    # As released: without a tokenizer.json.
    learned = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_text(json.dumps(learned["vocab"]))
    (tmp_path / "merges.txt").write_text("\n".join(" ".join(pair) for pair in learned["merges"]))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).unlink()
    compat.register_tokenizer("molmo", MolmoTokenizer)
    assert AutoTokenizer.from_pretrained(tmp_path)("red").input_ids == tiny_tokenizer()("red").input_ids


def test_padding_tokens_warns_once_or_never(caplog: pytest.LogCaptureFixture) -> None:
    tokenizer = tiny_tokenizer()
    compat.silence_padding_warning(tokenizer)
    tokenizer.pad({"input_ids": [[1, 2], [3]]})
    assert not [record for record in caplog.records if "fast tokenizer" in record.getMessage()]


def test_a_module_keeps_its_weights_in_another_class() -> None:
    class Doubled(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(inputs)

    module = nn.Linear(2, 2)
    before, names = module(torch.ones(2)), list(module.state_dict())
    compat.set_class(module, Doubled)
    torch.testing.assert_close(module(torch.ones(2)), 2 * before)
    assert list(module.state_dict()) == names


def test_a_hook_is_added_once() -> None:
    def doubled(_: nn.Module, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        return (2 * arguments[0],)

    module = nn.Identity()
    compat.add_forward_pre_hook(module, doubled)
    compat.add_forward_pre_hook(module, doubled)
    assert module(torch.ones(1)).item() == 2


HOOKS: Mapping[type, tuple[str, ...]] = {
    GenerationMixin: ("_prepare_multimodal_encoder_kwargs_for_generation", "prepare_inputs_for_generation"),
    PreTrainedModel: ("_init_weights", "_from_config"),
    ProcessorMixin: ("_get_arguments_from_pretrained", "_load_tokenizer_from_pretrained", "get_attributes"),
}
"""Methods that ports override or call in their base classes; ninefold.models.ports has no other private names."""


@pytest.mark.parametrize("base", HOOKS, ids=lambda base: base.__name__)
def test_the_methods_that_ports_override_are_there(base: type) -> None:
    assert [name for name in HOOKS[base] if not hasattr(base, name)] == []
