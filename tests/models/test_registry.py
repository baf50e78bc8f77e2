import pytest

from ninefold.errors import ModelError, PluginError
from ninefold.models import registry
from ninefold.models.fake import FakeModel
from ninefold.models.listing import list_models
from ninefold.models.load import open_model, open_trainable
from ninefold.models.protocol import Model
from ninefold.models.spec import ModelSpec
from ninefold.types import Example, Prediction


@pytest.fixture(autouse=True)
def nothing_registered():
    before = dict(registry.REGISTERED)
    yield
    registry.REGISTERED.clear()
    registry.REGISTERED.update(before)


def test_a_registered_model_is_opened_by_its_name_with_its_options():
    asked = []

    def opened(spec):
        asked.append(spec)
        return FakeModel(lambda example: "center", name=spec.name)

    registry.register_model("always-center", opened)
    spec = ModelSpec("always-center", device="cpu")
    assert open_model(spec).name == "always-center"
    assert asked == [spec]
    assert "always-center" in {model.name for model in list_models()}
    with pytest.raises(ModelError, match="not trained"):
        open_trainable("always-center")


@pytest.mark.parametrize("name", ["nano", "llava", "", "a/b", "openai:x"])
def test_names_that_mean_something_else_are_refused(name):
    with pytest.raises(ModelError, match="name"):
        registry.register_model(name, lambda spec: FakeModel(lambda example: ""))


def test_a_model_of_a_users_own_needs_a_name_and_predict():
    class Silent(Model):
        name = "silent"

        def predict(self, examples, *, max_new_tokens=15):
            return [Prediction(example.id, "") for example in examples]

    example = Example("1", b"", "Where?", "Where?", ("left", "right"), "left")
    model = Silent()
    assert model.identity == {"name": "silent", "adapter": None}
    assert model.predict([example]) == [Prediction("1", "")]
    assert model.image_input(example) is None
    assert model.image_settings == {}
    for method in (model.choice_scores, model.hidden_states):
        with pytest.raises(ModelError, match="silent: "):
            method([example])


def _exits(spec):
    raise SystemExit("no\nmodel")


def _divides(spec):
    return 1 / 0


@pytest.mark.parametrize(
    ("opener", "told"),
    [
        (lambda spec: None, "returns None, which has no name"),
        (lambda spec: "center", "returns a str, which has no name"),
        (_exits, r"its opener _exits fails \(SystemExit: no\)"),
        (_divides, "its opener _divides fails .ZeroDivisionError"),
    ],
)
def test_an_opener_that_gives_no_model_is_named(opener, told):
    registry.register_model("mine", opener)
    with pytest.raises(PluginError, match=f"model 'mine': .*{told}"):
        open_model("mine")


class _Fragile(Model):
    """A model whose code breaks on one example, or at another place."""

    name = "fragile"

    def __init__(self, broken):
        self.broken = broken

    def predict(self, examples, *, max_new_tokens=15):
        told = {"e5": {}} if self.broken == "predict" else {}
        return [Prediction(example.id, told.get(example.id, {"answer": "center"})["answer"]) for example in examples]

    @property
    def image_settings(self):
        if self.broken == "image_settings":
            raise ValueError("no settings\nat all")
        return {}

    def image_input(self, example):
        return None if self.broken != "image_input" else 1 / 0


def test_an_error_of_a_users_own_model_names_it_and_the_example():
    asked = [Example(f"e{n}", b"", "Where?", "Where?", ("left", "right"), "left") for n in range(9)]
    registry.register_model("mine", lambda spec: _Fragile("predict"))
    model = open_model("mine")
    assert model.predict(asked[:5]) == [Prediction(f"e{n}", "center") for n in range(5)]
    with pytest.raises(
        PluginError, match=r"^model 'mine': its predict fails on example e5 \(KeyError: 'answer'; .*\.py"
    ):
        model.predict(asked)
    registry.register_model("mine", lambda spec: _Fragile("image_input"))
    with pytest.raises(PluginError, match=r"its image_input fails on example e3 \(ZeroDivisionError"):
        open_model("mine").image_input(asked[3])
    registry.register_model("mine", lambda spec: _Fragile("image_settings"))
    with pytest.raises(PluginError, match=r"its image_settings fails \(ValueError: no settings;"):
        open_model("mine")


def test_an_opener_is_a_function():
    with pytest.raises(ModelError, match="give a function"):
        registry.register_model("mine", None)


@pytest.mark.parametrize("device", ["foo", "cuda:77", "meta", ""])
def test_a_device_that_is_not_here_is_refused_before_the_weights_are_read(tiny_llava, device):
    with pytest.raises(ModelError, match=f"--device {device}: torch (cannot use it|finds no GPU) here"):
        open_model(ModelSpec(str(tiny_llava), device=device))


def test_an_unknown_model_may_be_a_users_own():
    with pytest.raises(ModelError, match="--plugin"):
        open_model("mine-too")
