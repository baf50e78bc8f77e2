"""The check of semantic duplicates: what may be one, whatever an embedding says, and the models that embed."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import save_tiny_bert, tiny_tokenizer
from transformers import BertModel, T5Config, T5EncoderModel

from ninefold.captions.caption import Caption
from ninefold.captions.checks import embedding
from ninefold.captions.checks.chain import Chain
from ninefold.captions.checks.embedding import open_embedding
from ninefold.captions.checks.models import identities
from ninefold.captions.checks.semantic import meaning
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.errors import ModelError
from ninefold.models.clip.model import DualEncoder
from ninefold.models.clip.similarity import text_vectors


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A sentence encoder with random weights, laid out as those of sentence-transformers."""
    folder = tmp_path_factory.mktemp("models") / "tiny-bert"
    save_tiny_bert(folder)
    return folder


class Same:
    """An embedding to which all texts are the same."""

    def __init__(self, vectors=None):
        self.texts = []

    def vectors(self, texts):
        self.texts += texts
        return np.ones((len(texts), 1), np.float32)


def pair(question, answer="", relation="", subject="", object="", frame="viewer"):
    return Pair(question, answer, relation, frame, subject, object)


def rejected(pairs, monkeypatch, model=None, **settings):
    """Return which pairs of an image are semantic duplicates to an embedding that tells nothing apart."""
    model = model or Same()
    monkeypatch.setattr(embedding, "open_embedding", lambda name: model)
    chain = Chain(ChecksSpec(checks=("semantic",), embedding_model="any", **settings))
    ((_, checked),) = chain.run([(Caption("a", "", image="1"), pairs)])
    return [item.rejected_by is not None for item in checked]


CUP = {"relation": "left", "subject": "the cup", "object": "the lamp"}
NEVER = {
    "flip in the question, as of rules": (
        pair("Is the cup to the left of the lamp?", "yes", **CUP),
        pair("Is the cup to the right of the lamp?", "no", **CUP),
    ),
    "flip in the question, as of a language model": (
        pair("What is to the left of the lamp?", "a cup"),
        pair("What is to the right of the lamp?", "a cup"),
    ),
    "flip in the answer": (
        pair("Where is the cup?", "left of the lamp"),
        pair("Where is the cup located?", "right of the lamp"),
    ),
    "flip of the relation alone": (
        pair("Where is the cup?", "x", "above", "cup"),
        pair("Where's the cup?", "x", "below", "cup"),
    ),
    "roles swapped, as of rules": (
        pair("What is left of the lamp?", "the cup", **CUP),
        pair("What is left of the cup?", "the lamp", "left", "the lamp", "the cup"),
    ),
    "roles swapped in the question of one fact": (
        pair("Is the cup left of the lamp?", "yes", **CUP),
        pair("Is the lamp left of the cup?", "no", **CUP),
    ),
    "roles swapped, as of a language model": (
        pair("Is the cup left of the lamp?", "yes"),
        pair("Is the lamp left of the cup?", "yes"),
    ),
    "another object, as of a language model": (
        pair("What is left of the red lamp?", "a cup"),
        pair("What is left of the blue lamp?", "a cup"),
    ),
    "another subject, as of a language model": (
        pair("What is left of the lamp?", "a cup"),
        pair("What object is left of the lamp?", "a plate"),
    ),
    "another subject, as of rules": (
        pair("What is left of the lamp?", "a cup", "left", "cup", "lamp"),
        pair("What is there left of the lamp?", "a plate", "left", "plate", "lamp"),
    ),
    "yes and no": (pair("Is there a cup on the table?", "yes"), pair("Is there a cup on that table?", "no")),
    "negation": (
        pair("What is on the table?", "a cup", "on", "cup", "table"),
        pair("What is not on the table?", "a cup", "on", "cup", "table"),
    ),
    "another frame": (
        pair("Where is the cup?", "on the left", "left", "cup"),
        pair("Where is the cup?", "on its left", "left", "cup", frame="part"),
    ),
}


@pytest.mark.parametrize("case", NEVER)
def test_opposites_and_swapped_roles_are_never_duplicates(case, monkeypatch):
    one, other = NEVER[case]
    assert not meaning(one).may_equal(meaning(other)) and not meaning(other).may_equal(meaning(one))
    assert rejected([one, other], monkeypatch) == [False, False]


@pytest.mark.parametrize(
    "pairs",
    [
        (pair("Where is the cup?", "left of the lamp", **CUP), pair("Where is the cup in the image?", "Left", **CUP)),
        (
            pair("Where is the cup?", "left of the lamp", **CUP),
            pair("Where's a cup located?", "Left", "left", "A cup", "lamp"),
        ),
        (pair("What is on the table?", "a cup"), pair("What object can be seen on the table?", "a red cup")),
        (pair("What is on the table in the picture?", "a cup"), pair("What things are on the table?", "cup")),
    ],
)
def test_pairs_that_state_the_same_are_duplicates_if_the_embedding_says_so(pairs, monkeypatch):
    model = Same()
    assert rejected(pairs, monkeypatch, model) == [False, True]
    assert model.texts == [one.question for one in pairs]
    assert rejected(pairs, monkeypatch, similarity=1.0) == [False, False]
    with_answers = Same()
    rejected(pairs, monkeypatch, with_answers, similarity_text="question and answer")
    assert with_answers.texts == [f"{one.question} {one.answer}" for one in pairs]


def test_longest_is_kept_and_only_what_may_be_a_duplicate_is_embedded(monkeypatch):
    short, long = pair("Where is the cup?", "Left", **CUP), pair("Where is the cup in the image?", "Left", **CUP)
    model = Same()
    assert rejected([short, long, pair("What is here?", "a hat")], monkeypatch, model, keep="longest") == [
        True,
        False,
        False,
    ]
    assert sorted(model.texts) == sorted([short.question, long.question])


def test_duplicates_of_different_images_are_none(bert):
    chain = Chain(ChecksSpec(checks=("semantic",), embedding_model=str(bert), similarity=-1.0))
    items = [
        (Caption(name, "", image=image), [pair("What is on it?", "a cup")]) for name, image in ("a1", "b1", "c2", "d3")
    ]
    assert [item.rejected_by for _, checked in chain.run(items) for item in checked] == [None, "semantic", None, None]


def test_vectors_are_means_of_the_plain_model_and_do_not_depend_on_the_batch(bert):
    texts = ["Where is the red square?", "top left", "", "x" * 500, "Where is the red square?"]
    model = open_embedding(str(bert))
    vectors = model.vectors(texts)
    tokenizer, network = tiny_tokenizer(), BertModel.from_pretrained(bert)
    for text, vector in zip(texts, vectors, strict=True):
        if not text:
            assert not vector.any()  # no tokens at all: equal to nothing
            continue
        with torch.no_grad():
            ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=39)["input_ids"]
            mean = network(input_ids=ids).last_hidden_state[0].mean(0)
        assert np.allclose(vector, (mean / mean.norm()).numpy(), atol=1e-5)
    assert np.allclose(model.vectors(texts[:1])[0], vectors[0], atol=1e-6)
    assert model.vectors([]).shape == (0, 0)


def test_first_token_is_taken_where_the_checkpoint_says_so(bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "cls")
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}))
    text = "Where is it?"
    found = open_embedding(str(folder)).vectors([text])[0]
    with torch.no_grad():
        first = BertModel.from_pretrained(bert)(**tiny_tokenizer()(text, return_tensors="pt")).last_hidden_state[0, 0]
    assert np.allclose(found, (first / first.norm()).numpy(), atol=1e-5)
    pooling.write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(ModelError, match=r"asks for pooling_mode_max_tokens; mean and first token"):
        open_embedding(str(folder))


def test_text_tower_of_a_clip_embeds(tiny_clip):
    texts = ["Where is it?", "Where is the red square? " * 9]
    vectors, cut = text_vectors(DualEncoder.load(str(tiny_clip)), texts)
    assert cut == [False, True]
    assert np.array_equal(open_embedding(str(tiny_clip)).vectors(texts), vectors)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_models_are_known_by_their_files_without_opening_them(bert, tiny_clip, tmp_path):
    both = ChecksSpec(embedding_model=str(bert), clip_model=str(tiny_clip))
    found = identities(both)
    assert found["clip_model"]["name"] == "tiny-clip" and found["embedding_model"]["dtype"] == "float32"
    copy = shutil.copytree(bert, tmp_path / bert.name)
    assert identities(replace(both, embedding_model=str(copy))) == found
    pooling = copy / "1_Pooling" / "config.json"
    mean = pooling.read_text()
    pooling.write_text(json.dumps({"pooling_mode_cls_token": True}))
    assert identities(replace(both, embedding_model=str(copy))) != found
    pooling.write_text(mean)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    changed = identities(replace(both, embedding_model=str(copy)))
    assert changed["clip_model"] == found["clip_model"] and changed["embedding_model"] != found["embedding_model"]
    assert identities(replace(both, checks=("answer",))) == {"embedding_model": None, "clip_model": None}
    with pytest.raises(ModelError, match="hf download someone/unheard-of"):
        identities(ChecksSpec(clip_model="someone/unheard-of"))


def _without_weights(folder):
    (folder / "model.safetensors").unlink()


def _pickled(folder):
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


def _cut_off(folder):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])


def _no_json(folder):
    (folder / "config.json").write_text("{")


def _of_another_size(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 2}))


def _without_tokenizer(folder):
    for path in folder.glob("tokenizer*"):
        path.unlink()


@pytest.mark.parametrize(
    "broken", [_without_weights, _pickled, _cut_off, _no_json, _of_another_size, _without_tokenizer]
)
def test_bad_checkpoint_is_one_line(broken, bert, tmp_path):
    folder = shutil.copytree(bert, tmp_path / "bad")
    broken(folder)
    with pytest.raises(ModelError, match=str(folder)) as raised:
        Chain(ChecksSpec(embedding_model=str(folder)))
    assert "\n" not in str(raised.value) and "pickle" not in str(raised.value)


def test_model_of_another_kind_is_refused(tmp_path, tiny_clip):
    with pytest.raises(ModelError, match="nowhere"):
        open_embedding(str(tmp_path / "nowhere"))
    sizes = {"d_model": 8, "d_kv": 4, "d_ff": 8, "num_layers": 1, "num_heads": 2, "vocab_size": 600}
    T5EncoderModel(T5Config(**sizes)).save_pretrained(tmp_path / "t5")
    tiny_tokenizer().save_pretrained(tmp_path / "t5")
    with pytest.raises(ModelError, match="t5"):
        open_embedding(str(tmp_path / "t5"))
    with pytest.raises(ModelError, match="is a model that writes"):
        open_embedding("nano")
