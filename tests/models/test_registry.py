import pytest

from ninefold.errors import ModelError
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
