"""Features of frozen vision: made once, kept within bounds, made again where they are broken."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from tiny import some_examples

from ninefold.errors import ModelError
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.models.vision_features.features import FeatureModel, feature_model
from ninefold.models.vision_features.store import FeatureStore
from ninefold.scenes.render import encode_png
from ninefold.types import Example


def frozen(folder: Path) -> Trainable:
    model = open_trainable(str(folder))
    model.model.requires_grad_(False)
    return model


def count(store: FeatureStore, name: str, made: list[str]) -> torch.Tensor:
    def make() -> torch.Tensor:
        made.append(name)
        return torch.full((4, 8), float(ord(name[0])))

    return store.get(name, make)


def test_what_fits_in_memory_is_made_once_and_the_oldest_gives_way() -> None:
    store, made = FeatureStore(memory=2 * 128), []
    for name in "aabacab":
        assert count(store, name, made)[0, 0] == ord(name)
    assert made == ["a", "b", "c", "b"]
    assert store.held == 256


def test_a_folder_is_shared_bounded_and_mends_itself(tmp_path: Path) -> None:
    made: list[str] = []
    store = FeatureStore(memory=0, folder=tmp_path)
    for name in ("aa", "bb", "aa"):
        count(store, name, made)
    count(FeatureStore(memory=0, folder=tmp_path), "bb", made)
    assert made == ["aa", "bb"]
    path = tmp_path / "aa" / "aa.safetensors"
    torn, flipped = path.read_bytes()[:50], bytearray(path.read_bytes())
    flipped[-1] ^= 1
    for broken in (torn, bytes(flipped)):
        path.write_bytes(broken)
        assert count(store, "aa", made)[0, 0] == ord("a")
    assert made == ["aa", "bb", "aa", "aa"]
    small = FeatureStore(memory=0, folder=tmp_path, disk=3 * path.stat().st_size)
    for name in ("cc", "dd", "ee"):
        count(small, name, made)
    left = {file.stem for file in tmp_path.rglob("*.safetensors")}
    assert left < {"aa", "bb", "cc", "dd", "ee"} and "ee" in left
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.safetensors")) <= small.disk


@pytest.mark.parametrize("family", ["tiny_llava", "tiny_qwen2_vl", "tiny_molmo", "tiny_llava_onevision", "tiny_clip"])
def test_losses_are_those_of_the_pixels(family: str, request: pytest.FixtureRequest) -> None:
    model, examples = frozen(request.getfixturevalue(family)), some_examples(3)
    given = feature_model(model, examples)
    given.prepare(examples)
    batch = given.training_batch(examples, [given.image(example) for example in examples])
    assert not {"pixel_values", "images"} & set(batch)
    plain = model.training_batch(examples, [model.encoder.image(example) for example in examples])
    with torch.no_grad():
        losses, rows = given.losses(model.model, batch)
        expected, expected_rows = model.losses(model.model, plain)
    assert torch.equal(rows, expected_rows)
    # One picture at a time and three together: no more than the order of sums.
    torch.testing.assert_close(losses, expected, rtol=1e-6, atol=1e-6)


def test_each_picture_is_encoded_once(tiny_llava: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, examples = frozen(tiny_llava), some_examples(4)
    seen = []
    model.model.model.vision_tower.register_forward_hook(lambda *_: seen.append(1))
    for _ in range(2):
        given = feature_model(model, examples * 3)
        given.prepare(examples * 3)
    # Twice two when it is tried with the first example.
    assert len(seen) == 4 + 2 * 2
    assert len(given._store._held) == 4
    monkeypatch.setattr("ninefold.models.vision_features.features.DISK_BYTES", 100)
    with pytest.raises(ModelError, match="features of 4 pictures take about"):
        feature_model(model, examples, folder=tiny_llava / "features")


def test_trained_vision_and_models_without_the_argument_are_refused(
    tiny_llava: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = frozen(tiny_llava)
    model.model.model.multi_modal_projector.linear_1.weight.requires_grad_(True)
    with pytest.raises(ModelError, match="its vision is trained"):
        feature_model(model, some_examples(1))
    model.model.requires_grad_(False)
    with monkeypatch.context() as patch, pytest.raises(ModelError, match="takes no features, only pixels"):
        patch.setattr(type(model.model), "forward", lambda self, input_ids, pixel_values: None)
        feature_model(model, some_examples(1))
    monkeypatch.setattr(FeatureModel, "_features", lambda self, picture: torch.zeros(16, 32))
    with pytest.raises(ModelError, match="more of a picture than its features tell"):
        feature_model(model, some_examples(1))


class CountedBytes(bytes):
    alive: ClassVar[list[bytes]] = []

    def __del__(self) -> None:
        CountedBytes.alive.pop()


def test_images_are_not_kept_in_memory(tiny_llava: Path) -> None:
    scenes = some_examples(4)
    most = 0

    def read() -> Iterator[Example]:
        nonlocal most
        for number in range(40):
            image = CountedBytes(encode_png(scenes[number % 4].image) + bytes([number]))
            CountedBytes.alive.append(b"")
            most = max(most, len(CountedBytes.alive))
            yield replace(scenes[number % 4], image=image)
            del image

    given = feature_model(frozen(tiny_llava), scenes)
    given.prepare(read())
    gc.collect()
    assert len(given._prompts) == 40
    assert not CountedBytes.alive
    assert most < 40
