"""The real CLIP classes at random weights: answers are what plain transformers gives, and nothing is encoded twice."""

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model
from PIL import Image
from tiny import some_examples
from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessorPil, CLIPModel

from ninefold.errors import DataError, ModelError
from ninefold.images import open_pil
from ninefold.models.clip import model as clip_model
from ninefold.models.clip.encoder import open_encoder
from ninefold.models.clip.model import DualEncoder
from ninefold.models.compute import prefetch
from ninefold.models.families import FAMILIES, find
from ninefold.models.load import open_model, open_trainable
from ninefold.models.protocol import ImageInput
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.model import VisionLanguageModel
from ninefold.training.lora import matched
from ninefold.types import Example

GENUINE = Path(__file__).parents[2].parent / "shared" / "checkpoints" / "openai__clip-vit-large-patch14-336"


@pytest.fixture
def model(tiny_clip: Path) -> DualEncoder:
    return DualEncoder.load(str(tiny_clip))


def plain_scores(folder: Path, example: Example) -> list[float]:
    """Return what transformers gives without a line of ours; a square picture is not cropped."""
    network, tokenizer = CLIPModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    texts = tokenizer([f"{example.question} {option}" for option in example.options], padding=True, return_tensors="pt")
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(open_pil(example.image), return_tensors="pt")
    with torch.no_grad():
        return network(**texts, **pixels).logits_per_image[0].log_softmax(-1).tolist()


def wide(strip: int) -> bytes:
    """Return a photo twice as wide as high, of noise, whose leftmost eighth has one gray level."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 120, 3), dtype=np.uint8)
    pixels[:, :15] = strip
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_scores_are_those_of_the_plain_model(model: DualEncoder, tiny_clip: Path) -> None:
    examples = some_examples(4)
    scores = model.choice_scores(examples)
    for example, found in zip(examples, scores, strict=True):
        assert found == pytest.approx(plain_scores(tiny_clip, example), abs=1e-5)
        assert sum(np.exp(found)) == pytest.approx(1)


def test_it_answers_with_the_nearest_option_and_never_cuts_it(model: DualEncoder) -> None:
    examples = some_examples(5)
    predictions = model.predict(examples, max_new_tokens=1)
    assert [prediction.scores for prediction in predictions] == model.choice_scores(examples)
    for example, prediction in zip(examples, predictions, strict=True):
        assert prediction.id == example.id
        assert prediction.text == example.options[int(np.argmax(prediction.scores))]
        assert not prediction.truncated


def test_scores_follow_the_order_of_the_options(model: DualEncoder) -> None:
    example = some_examples(1)[0]
    turned = replace(example, options=example.options[::-1])
    fewer = replace(example, options=example.options[2:4])
    found, reversed_, two = model.choice_scores([example, turned, fewer])
    assert reversed_ == pytest.approx(found[::-1], abs=1e-6)
    assert two[0] - two[1] == pytest.approx(found[2] - found[3], abs=1e-5)


def test_the_batch_changes_nothing(model: DualEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = some_examples(7)
    together = model.choice_scores(examples)
    monkeypatch.setattr(clip_model, "PICTURES", 1)
    alone = [model.choice_scores([example])[0] for example in examples]
    assert np.allclose(alone, together, atol=1e-5)
    # Nor does it matter whether each core has batches of its own.
    monkeypatch.setattr(prefetch, "SMALL", 0)
    assert np.allclose(model.choice_scores(examples), together, atol=1e-5)
    assert model.predict([]) == []


def counted(model: DualEncoder) -> dict[str, list[int]]:
    """Count the rows of every call of the two towers."""
    rows: dict[str, list[int]] = {"texts": [], "pictures": []}
    for name, tower in (("texts", model.model.text_model), ("pictures", model.model.vision_model)):
        tower.register_forward_hook(lambda _, __, output, name=name: rows[name].append(len(output.pooler_output)))
    return rows


def test_each_distinct_text_and_picture_is_encoded_once(model: DualEncoder) -> None:
    first, second = some_examples(2)
    asked = [first, replace(first, id="again", options=first.options[::-1]), replace(second, question=first.question)]
    rows = counted(model)
    model.predict(asked)
    assert sum(rows["texts"]) == 9
    assert sum(rows["pictures"]) == 2
    # Later calls know the texts of earlier ones, and encode one set again to see that the weights are the same.
    rows["texts"].clear()
    model.predict([*asked, second])
    assert rows["texts"] == [9, 9]


def test_remembered_texts_are_forgotten_when_weights_change(model: DualEncoder, tiny_clip: Path) -> None:
    first, second = some_examples(2)
    before = model.choice_scores([first, second])[0]
    with torch.no_grad():
        model.model.text_projection.weight.mul_(torch.linspace(-1, 1, 16)[:, None])
    after = model.choice_scores([first])[0]
    assert after != pytest.approx(before, abs=1e-3)
    changed = DualEncoder(
        model.model, model.encoder, checkpoint=model.checkpoint, family=model.family, identity=model.identity
    )
    assert after == changed.choice_scores([first])[0]
    assert model.choice_scores([second]) == changed.choice_scores([second])


def test_nothing_is_cropped_from_a_wide_photo(model: DualEncoder, tiny_clip: Path) -> None:
    left, right = (replace(some_examples(1)[0], image=wide(strip)) for strip in (0, 255))
    assert model.choice_scores([left])[0] != pytest.approx(model.choice_scores([right])[0], abs=1e-3)
    # As released, the processor shows the model one and the same middle of both.
    assert plain_scores(tiny_clip, left) == plain_scores(tiny_clip, right)
    expected = open_pil(left.image).resize((56, 56), Image.Resampling.BICUBIC)
    assert np.array_equal(model.encoder.image(left), np.asarray(expected))


def test_what_it_sees(model: DualEncoder) -> None:
    example = replace(some_examples(1)[0], image=wide(0))
    assert model.image_input(example) == ImageInput((120, 60), (56, 56), tiles=1, image_tokens=0, prompt_tokens=10)
    assert model.identity["pictures"] == "squeezed to 56 x 56"


def test_a_text_too_long_is_never_cut(model: DualEncoder) -> None:
    example = some_examples(1)[0]
    longest = replace(example, question="Where is the " + "red " * 15 + "square?")
    assert max(map(len, model.encoder.texts(longest))) == 24
    model.predict([longest])
    longer = replace(longest, id="row 3", question=longest.question + " red")
    with pytest.raises(ModelError, match=r"example row 3: its text for the option '.*' has 25 tokens.*at most 24"):
        model.predict([example, longer])


def test_what_it_cannot_do_is_said(model: DualEncoder) -> None:
    example = some_examples(1)[0]
    with pytest.raises(ModelError, match="no layer that sees picture and question together"):
        model.hidden_states([example])
    for ask in (model.predict, model.choice_scores):
        with pytest.raises(ModelError, match="example open: has no options"):
            ask([example, replace(example, id="open", options=())])
    with pytest.raises(DataError, match="example row 7"):
        model.predict([replace(example, id="row 7", image=b"no picture")])
    with pytest.raises(DataError, match="answer 'north' is none of its options"):
        model.training_batch([replace(example, answer="north")], [model.encoder.image(example)])


def test_the_loss_is_the_cross_entropy_over_the_options(model: DualEncoder) -> None:
    first, second, third, fourth = some_examples(4)
    other = next(option for option in fourth.options if option != fourth.answer)
    same = replace(second, question=first.question, options=first.options[::-1])
    examples = [first, same, third, replace(fourth, options=(other, fourth.answer))]
    rows = counted(model)
    batch = model.training_batch(examples, [model.encoder.image(example) for example in examples])
    losses, places = model.losses(model.model, batch)
    assert rows == {"texts": [9 + 9 + 2], "pictures": [4]}
    assert batch["labels"].tolist() == [example.options.index(example.answer) for example in examples]
    assert places.tolist() == [0, 1, 2, 3]
    chances = [scores[place] for scores, place in zip(model.choice_scores(examples), batch["labels"], strict=True)]
    assert losses.tolist() == pytest.approx([-chance for chance in chances], abs=1e-5)


def test_the_two_scopes(model: DualEncoder) -> None:
    scopes = FAMILIES["clip"].scopes
    text, vision = (
        [f"{half}_model.encoder.layers.{n}.self_attn.{p}_proj" for n in (0, 1) for p in "qkv"]
        for half in ("text", "vision")
    )
    assert sorted(matched(model.model, scopes["language"])) == sorted(text)
    assert sorted(matched(model.model, scopes["vision+language"])) == sorted(text + vision)


def test_an_adapter_is_used(model: DualEncoder, tiny_clip: Path, tmp_path: Path) -> None:
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=64, target_modules=FAMILIES["clip"].scopes["language"], init_lora_weights=False)
    get_peft_model(CLIPModel.from_pretrained(tiny_clip), config).save_pretrained(str(tmp_path / "run" / "adapter"))
    tuned = DualEncoder.load(ModelSpec(str(tiny_clip), adapter=tmp_path / "run"))
    example = some_examples(1)[0]
    assert tuned.choice_scores([example])[0] != pytest.approx(model.choice_scores([example])[0], abs=1e-2)
    assert {key for key in tuned.identity if tuned.identity[key] != model.identity[key]} == {"adapter"}


def test_one_door_opens_every_kind(tiny_clip: Path, tiny_llava: Path) -> None:
    assert isinstance(open_model(str(tiny_clip)), DualEncoder)
    assert isinstance(open_trainable(str(tiny_llava)), VisionLanguageModel)
    with pytest.raises(ModelError, match="a server's weights cannot be trained"):
        open_trainable("openai:http://localhost:1/v1#name")
    with pytest.raises(ModelError, match="tiny-clip: a clip model writes nothing"):
        VisionLanguageModel.load(str(tiny_clip))
    with pytest.raises(ModelError, match="tiny-llava: is no dual encoder"):
        DualEncoder.load(str(tiny_llava))


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("tokenizer*", "its tokenizer ends texts with token"),
        ("preprocessor_config.json", "cannot be opened as a dual encoder"),
        ("*.safetensors", "cannot be opened as a dual encoder"),
    ],
)
def test_a_checkpoint_that_lacks_a_part(tiny_clip: Path, tmp_path: Path, without: str, message: str) -> None:
    folder = Path(shutil.copytree(tiny_clip, tmp_path / "broken", ignore=shutil.ignore_patterns(without)))
    with pytest.raises(ModelError, match=message) as caught:
        open_model(str(folder))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not GENUINE.is_dir(), reason="needs the tokenizer of openai/clip-vit-large-patch14-336")
def test_the_nine_texts_in_the_tokens_of_the_genuine_clip(tmp_path: Path) -> None:
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(GENUINE / name, tmp_path)
    # As released: its configuration calls the end token 2, and the tokenizer's folder names no longest text.
    released = CLIPConfig(text_config={"eos_token_id": 2}, vision_config={"image_size": 336, "patch_size": 14})
    released.save_pretrained(tmp_path)
    CLIPImageProcessorPil(size={"shortest_edge": 336}, crop_size=336).save_pretrained(tmp_path)
    encoder = open_encoder(find(str(tmp_path)), released)
    example = replace(some_examples(1)[0], question="Where is the red square?")
    texts = dict(zip(example.options, encoder.texts(example), strict=True))
    # Start, "where is the red square ?", the label's words, end.
    question = (49406, 1234, 533, 518, 736, 3999, 286)
    assert texts["top left"] == (*question, 1253, 1823, 49407)
    assert texts["center"] == (*question, 2119, 49407)
    assert sorted(map(len, texts.values())) == [9, *[10] * 8]
    assert encoder.padded(texts.values())["input_ids"].shape == (9, 10)
    assert encoder.tokenizer.model_max_length > 77 == encoder.longest
    long = replace(example, question="Where is the " + "red " * 69 + "square?", options=("top left",))
    with pytest.raises(ModelError, match=r"has 78 tokens, and .* reads at most 77"):
        encoder.texts(long)
    assert encoder.image(example).shape == (336, 336, 3)


def test_when_memory_runs_out_the_batch_is_halved(
    tiny_clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = DualEncoder.load(str(tiny_clip))
    examples = some_examples(9)
    expected = model.choice_scores(examples)
    plain = model.model.get_image_features

    def scarce(pixel_values: torch.Tensor) -> object:
        if len(pixel_values) > 2:
            raise torch.OutOfMemoryError("no room")
        return plain(pixel_values=pixel_values)

    monkeypatch.setattr(model.model, "get_image_features", scarce)
    np.testing.assert_allclose(model.choice_scores(examples), expected, atol=1e-5)
    assert "going on with 2" in capsys.readouterr().err
    monkeypatch.setattr(model.model, "get_image_features", lambda **_: (_ for _ in ()).throw(torch.OutOfMemoryError()))
    with pytest.raises(ModelError, match="not enough memory for one picture"):
        model.choice_scores(examples[:1])
