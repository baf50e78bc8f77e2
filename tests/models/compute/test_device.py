import pytest

from ninefold.errors import ModelError
from ninefold.models.compute import device


@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_refused_without_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_gpu", lambda: False)
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ModelError, match=f"--device {name}: torch finds no GPU here; choose cpu or auto"):
        device.check_device(name)
    device.check_device("cpu")
    device.check_device("auto")


def test_a_word_that_is_no_device_is_refused_in_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_gpu", lambda: False)
    with pytest.raises(ModelError, match=r"--device gpu: .*it is no device\); choose cpu or auto"):
        device.check_device("gpu")
