"""The check of image and question by a CLIP."""

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoTokenizer, CLIPImageProcessorPil, CLIPModel

from ninefold.captions.caption import Caption
from ninefold.captions.checks.chain import Chain
from ninefold.captions.pair import Pair
from ninefold.captions.spec import ChecksSpec
from ninefold.errors import DesignError, ModelError
from ninefold.models.clip.encoder import ClipEncoder

QUESTIONS = ("Where is the red square?", "Where is the circle?", "Where is the green star? " * 6)


@pytest.fixture
def folder(tmp_path):
    noise = np.random.default_rng(0)
    for name in ("one", "two"):
        Image.fromarray(noise.integers(0, 256, (56, 56, 3), dtype=np.uint8)).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return tmp_path


def checked(folder, clip, names, **settings):
    """Return the chain and the verdicts on the three questions about each image."""
    chain = Chain(ChecksSpec(checks=("clipscore",), clip_model=str(clip), **settings))
    items = [
        (
            Caption(f"{number}", "", image=name, path=folder / f"{name}.png" if name else None),
            [Pair(q, "", "on") for q in QUESTIONS],
        )
        for number, name in enumerate(names)
    ]
    return chain, [verdict for _, found in chain.run(items) for verdict in found]


def cosine_of(detail):
    return float(detail.split()[1])


def test_cosines_are_those_of_the_plain_model_and_every_image_is_read_once(folder, tiny_clip, monkeypatch):
    read = []
    image = ClipEncoder.image
    monkeypatch.setattr(ClipEncoder, "image", lambda self, example: read.append(example.image) or image(self, example))
    chain, found = checked(folder, tiny_clip, ["one", "one", "two"], clipscore=-1.0)
    assert sorted(path.name for path in read) == ["one.png", "two.png"]
    assert chain.not_run.keys() == {"duplicates", "semantic", "reference", "answer", "spatial"}
    network, tokenizer = CLIPModel.from_pretrained(tiny_clip), AutoTokenizer.from_pretrained(tiny_clip)
    texts = tokenizer(list(QUESTIONS[:2]), padding=True, return_tensors="pt")
    for start, name in ((0, "one"), (3, "one"), (6, "two")):
        pixels = CLIPImageProcessorPil.from_pretrained(tiny_clip)(
            Image.open(folder / f"{name}.png"), return_tensors="pt"
        )
        with torch.no_grad():
            logits = network(**texts, **pixels).logits_per_image[0] / network.logit_scale.exp()
        assert [cosine_of(item.detail) for item in found[start : start + 2]] == pytest.approx(logits.tolist(), abs=1e-4)
        assert found[start + 2].detail.endswith(" of the question's first 24 tokens")
    assert all(item.rejected_by is None for item in found)


def test_threshold_is_on_the_chosen_scale(folder, tiny_clip):
    _, kept = checked(folder, tiny_clip, ["one"], clipscore=-1.0)
    cosines = [cosine_of(item.detail) for item in kept]
    middle = sorted(cosines)[1]
    _, plain = checked(folder, tiny_clip, ["one"], clipscore=middle + 1e-3)
    assert [item.rejected_by for item in plain] == [None if c > middle else "clipscore" for c in cosines]
    assert [item.detail for item in plain] == [item.detail for item in kept]
    scaled = 2.5 * max(middle, 0) + 1e-3
    _, of_hessel = checked(folder, tiny_clip, ["one"], clipscore=scaled, clipscore_scale="2.5 cosine")
    assert [item.rejected_by for item in of_hessel] == [None if 2.5 * c >= scaled else "clipscore" for c in cosines]


def test_pairs_without_a_readable_image_are_kept_and_counted(folder, tiny_clip, capsys):
    chain, found = checked(folder, tiny_clip, ["", "broken", "one", ""], clipscore=1.0)
    assert [item.rejected_by for item in found] == [None] * 6 + ["clipscore"] * 3 + [None] * 3
    assert chain.not_run["clipscore"] == "for 6 without an image and 3 with one that cannot be read, of 12 pairs"
    assert capsys.readouterr().err.count("broken.png") == 1
    chain, found = checked(folder, tiny_clip, [""])
    assert chain.not_run["clipscore"] == "for 3 without an image, of 3 pairs" and found[0].detail == ""


def test_shipped_nano_clip_scores(folder):
    _, found = checked(folder, "nano-clip", ["one"], clipscore=-1.0)
    assert all(-1 <= cosine_of(item.detail) <= 1 for item in found)


def test_bad_models_and_settings_are_told_before_anything_runs(tmp_path):
    with pytest.raises(ModelError, match="is no dual encoder"):
        Chain(ChecksSpec(clip_model="nano"))
    with pytest.raises(ModelError, match="nowhere"):
        Chain(ChecksSpec(clip_model=str(tmp_path / "nowhere")))
    with pytest.raises(DesignError, match="clipscore-scale"):
        ChecksSpec(clipscore_scale="percent")
    with pytest.raises(DesignError, match="finite"):
        ChecksSpec(clipscore=float("nan"))
