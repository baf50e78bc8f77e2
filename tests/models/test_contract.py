"""What every family keeps, on its nano base: one contract, whatever the architecture."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import some_examples

from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.errors import ModelError
from ninefold.models.families import FAMILIES, nano_bases
from ninefold.models.load import open_trainable
from ninefold.models.protocol import Trainable
from ninefold.models.spec import ModelSpec
from ninefold.models.vlm.reference import to_device
from ninefold.questions.catalog import find_format
from ninefold.space import LABELS
from ninefold.training import trainer
from ninefold.training.spec import TrainSpec
from ninefold.training.train import train
from ninefold.types import Prediction

EXAMPLES, UNSEEN = some_examples(16)[:12], some_examples(16)[12:]
ALONE = 5
"""Number of examples that are also asked alone; they have prompts of several lengths."""
WRITERS = [name for name, family in nano_bases().items() if family.kind == "generative"]


@pytest.fixture(scope="module", params=nano_bases())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def model(name: str) -> Trainable:
    return open_trainable(name)


@pytest.fixture(scope="module")
def predictions(model: Trainable) -> list[Prediction]:
    return model.predict(EXAMPLES)


@pytest.fixture(scope="module")
def scores(model: Trainable) -> list[tuple[float, ...]]:
    return model.choice_scores(EXAMPLES)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set of 12 to learn from, 4 to a step, and 4 to check on."""
    folder = tmp_path_factory.mktemp("data") / "few"
    dataset.write(folder, {"train": EXAMPLES, "validation": UNSEEN}, about=About("few", "A few rows.", {}))
    return folder


def test_every_family_has_a_base() -> None:
    assert {family.name for family in nano_bases().values()} == set(FAMILIES)


def test_it_is_small_and_in_safetensors(name: str) -> None:
    folder = nano_bases()[name].nano
    assert folder is not None
    files = {path.suffix: path.stat().st_size for path in folder.iterdir()}
    assert sum(files.values()) <= 4_000_000
    assert not files.keys() & {".bin", ".pt", ".pkl", ".py"}


def test_it_answers_in_the_format(predictions: list[Prediction]) -> None:
    assert [prediction.id for prediction in predictions] == [example.id for example in EXAMPLES]
    read = [find_format("labels").read(prediction.text, LABELS) for prediction in predictions]
    assert sum(reading.kind == "label" for reading in read) >= 10


def test_it_ranks_the_options(predictions: list[Prediction], scores: list[tuple[float, ...]]) -> None:
    assert all(len(row) == len(example.options) for row, example in zip(scores, EXAMPLES, strict=True))
    assert max(map(max, scores)) < 0
    written = [prediction.text for prediction in predictions]
    likeliest = [example.options[int(np.argmax(row))] for example, row in zip(EXAMPLES, scores, strict=True)]
    assert sum(map(str.__eq__, written, likeliest)) >= 10


def test_its_states_can_be_read_or_it_says_why_not(model: Trainable) -> None:
    if model.family.kind == "dual":
        with pytest.raises(ModelError, match="probe a model that writes"):
            model.hidden_states(EXAMPLES)
        return
    states = model.hidden_states(EXAMPLES)
    assert states.shape == (12, 4, 128)
    assert states.dtype == np.float32
    assert np.isfinite(states).all()
    alone = np.concatenate([model.hidden_states([example]) for example in EXAMPLES[:ALONE]])
    np.testing.assert_allclose(states[:ALONE], alone, rtol=1e-3, atol=1e-3)


def test_the_batch_changes_nothing(
    model: Trainable, predictions: list[Prediction], scores: list[tuple[float, ...]]
) -> None:
    alone = EXAMPLES[:ALONE]
    assert [model.predict([example])[0].text for example in alone] == [one.text for one in predictions[:ALONE]]
    np.testing.assert_allclose(
        [model.choice_scores([example])[0] for example in alone], scores[:ALONE], rtol=1e-3, atol=1e-3
    )


def test_it_says_what_it_sees(model: Trainable) -> None:
    sight = model.image_input(EXAMPLES[0])
    assert sight is not None
    assert sight.image == (96, 96)
    assert sight.tiles >= 1
    assert (sight.image_tokens > 0) == (model.family.kind == "generative")


def test_its_encoder_goes_to_another_process_without_the_network(model: Trainable) -> None:
    encoder = model.encoder
    before = encoder.training_batch(EXAMPLES[:3], [encoder.image(example) for example in EXAMPLES[:3]])
    sent = pickle.dumps(encoder)
    # Half precision: the weights alone are larger.
    assert len(sent) < 2 * model.model.num_parameters()
    found = pickle.loads(sent)
    after = found.training_batch(EXAMPLES[:3], [found.image(example) for example in EXAMPLES[:3]])
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("name", WRITERS)
def test_the_side_of_the_padding_never_matters(name: str) -> None:
    model = open_trainable(name)
    pictures = [model.encoder.image(example) for example in EXAMPLES[:2]]
    texts = [model.encoder.prompt(EXAMPLES[0]), model.encoder.prompt(EXAMPLES[1]).replace("with as few words", "")]
    logits = []
    for side in ("left", "right"):
        # Fixed sizes are resized when pictures are opened.
        resized = {} if model.encoder.image_bytes is None else {"do_resize": False}
        batch = dict(
            model.encoder.processor(
                text=texts,
                images=[[p] for p in pictures],
                padding=True,
                padding_side=side,
                return_tensors="pt",
                **resized,
            )
        )
        real = batch["attention_mask"].bool()
        assert not real.all()
        with torch.inference_mode():
            found = model.model(**to_device(model.model, batch)).logits.cpu()
        logits.append([found[row][real[row]] for row in range(2)])
    for left, right in zip(*logits, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-3, atol=1e-3)


def test_it_trains_saves_resumes_and_loads(
    name: str, scores: list[tuple[float, ...]], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = TrainSpec(ModelSpec(name), data=(data,), batch=4, epochs=1, rank=4, checkpoint_steps=1)
    step = trainer.AnswerTrainer.training_step
    taken = []

    def copied(self: trainer.AnswerTrainer, *args: object, **options: object) -> torch.Tensor:
        # What a kill would leave before the third step.
        if len(taken) == 2:
            shutil.copytree(tmp_path / "whole", tmp_path / "cut")
        taken.append(1)
        return step(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(trainer.AnswerTrainer, "training_step", copied)
        assert train(spec, tmp_path / "whole")["steps"] == len(taken) == 3
        # It ends with the same bytes, and takes the last step alone.
        train(spec, tmp_path / "cut")
        assert len(taken) == 4
    whole, cut = (tmp_path / run / "adapter" / "adapter_model.safetensors" for run in ("whole", "cut"))
    assert whole.read_bytes() == cut.read_bytes()
    tuned = open_trainable(ModelSpec(name, tmp_path / "whole"))
    assert not np.allclose(tuned.choice_scores(EXAMPLES), scores, atol=1e-4)
