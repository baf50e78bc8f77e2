import numpy as np
import pytest

from ninefold import store
from ninefold.analysis import probing
from ninefold.data.format import dataset
from ninefold.data.format.card import About
from ninefold.errors import DataError, DesignError, ModelError, RunError
from ninefold.evaluation.probing import states
from ninefold.evaluation.probing.probe import probe, resolve_id
from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.models.fake import FakeModel
from ninefold.models.load import check_has_states
from ninefold.models.spec import ModelSpec
from ninefold.questions.prompt import prompt
from ninefold.runs.probing import read_probes
from ninefold.space import LABELS, Cell
from ninefold.types import Example, Scene, Thing

PICTURE = Scene((Thing("square", "red", "large", Cell(4, 4)),), canvas=90)
LAYERS, WIDTH = 3, 6


class Layered(FakeModel):
    """A scripted model whose states hold the answer from the second layer on, very large numbers among them."""

    def __init__(self, ends=None):
        super().__init__(lambda example: "center")
        self.asked = 0
        self.ends = ends

    def hidden_states(self, examples):
        if self.asked == self.ends:
            raise KeyboardInterrupt
        self.asked += 1
        found = []
        for example in examples:
            noise = np.random.default_rng(int(example.id)).normal(size=(LAYERS, WIDTH))
            at = LABELS.index(example.answer)
            noise[1:, :2] += 1e5 * np.array([at % 2, at // 2])
            found.append(noise)
        return np.array(found, np.float32)


def rows(count, groups=None):
    return [
        Example(
            id=str(index),
            image=PICTURE,
            question="Where is it?",
            prompt=prompt("Where is it?", LABELS),
            options=LABELS,
            answer=LABELS[index % 4],
            group=str(index // groups) if groups else "",
            factors={"object": "red square"},
        )
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    dataset.write(folder / "drawn", {"test": rows(54)}, about=About("t", "d", {}, clustering="census"))
    dataset.write(folder / "photos", {"test": rows(90, groups=2)}, about=About("t", "d", {}))
    dataset.write(folder / "few", {"test": rows(10)}, about=About("t", "d", {}))
    return folder


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(states, "CHUNK", 20)


def asked(data, name="drawn", **options):
    return ProbeSpec(ModelSpec("fake"), data / name, **options)


def files(folder, *without):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in without}


def test_a_run_holds_the_accuracy_of_each_layer_and_fold(data, tmp_path):
    metrics = probe(asked(data), tmp_path / "run", model=Layered(), progress=False)
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "spec.json", "probes.csv", "metrics.json", "provenance.json", "status.json", "README.md",
    }  # fmt: skip
    probed = read_probes(tmp_path / "run")
    assert [row[:2] for row in probed] == [(layer, fold) for layer in (1, 2, 3) for fold in (1, 2, 3)]
    assert (tmp_path / "run" / "probes.csv").read_text().startswith("layer,fold,accuracy\n1,1,0.")
    assert metrics["by_layer"][1] == {"layer": 2, "accuracy": 1, "sd": 0}
    first = [row.accuracy for row in probed[:3]]
    assert metrics["by_layer"][0] == {"layer": 1, "accuracy": np.mean(first), "sd": np.std(first)}
    assert np.mean(first) < 0.6
    assert (metrics["n"], metrics["most_frequent"], metrics["stratified"]) == (54, 14 / 54, "by answer and object")
    told = store.read_json(tmp_path / "run" / "provenance.json")
    assert told["data"] == str(data / "drawn") and set(told["seconds"]) == {"load", "states", "probes"}


def test_an_interrupted_run_ends_with_the_same_bytes(data, tmp_path, monkeypatch):
    spec = asked(data, keep_states=True)
    probe(spec, tmp_path / "whole", model=Layered(), progress=False)
    for done in range(3):
        with pytest.raises(KeyboardInterrupt):
            probe(spec, tmp_path / "cut", model=Layered(ends=min(done, 1)), progress=False)
        assert len(files(tmp_path / "cut" / "states")) == done
    # All but the last chunk are there already; then the probes of the second layer are cut off.
    last, predict = Layered(), probing.predict
    layers = iter([predict])

    def interrupted(*given):
        return next(layers)(*given)

    monkeypatch.setattr(probing, "predict", interrupted)
    with pytest.raises(StopIteration):
        probe(spec, tmp_path / "cut", model=last, progress=False)
    assert last.asked == 1
    monkeypatch.setattr(probing, "predict", predict)
    assert len(read_probes(tmp_path / "cut")) == 3
    # All states are there: the model is not asked again.
    probe(spec, tmp_path / "cut", model=Layered(ends=0), progress=False)
    timed = ("status.json", "provenance.json")
    assert files(tmp_path / "cut", *timed) == files(tmp_path / "whole", *timed)


def test_a_finished_run_is_returned_as_it_is(data, tmp_path, capfd):
    metrics = probe(asked(data, limit=41), tmp_path, model=Layered(), progress=False)
    assert [row["accuracy"] for row in metrics["by_layer"][1:]] == [1, 1]
    before = files(tmp_path)
    assert probe(asked(data, limit=41, keep_states=True), tmp_path, model=Layered(ends=0), progress=False) == metrics
    assert files(tmp_path) == before
    assert "were removed" in capfd.readouterr().err
    with pytest.raises(RunError, match="seed 0, asked 1"):
        probe(asked(data, limit=41, seed=1), tmp_path, model=Layered(), progress=False)
    probe(asked(data, limit=41, seed=1), tmp_path, model=Layered(), overwrite=True, progress=False)


def test_states_larger_than_half_precision_are_stored_with_a_scale(tmp_path):
    generator = np.random.default_rng(0)
    given = generator.normal(size=(4, 2, 5)) * 10.0 ** generator.integers(-6, 6, size=(4, 2, 1))
    given[0, 0] = 0
    given[1, 1, 3] = 3e38
    # What was computed in half precision is stored exactly.
    given[2, 1] = np.float16([1.5, -65504, 3e-3, 0.1, 7])
    halves, exponents = states.encoded(given.astype(np.float32))
    found = np.ldexp(halves.astype(float), exponents[..., None]).transpose(1, 0, 2)
    assert (np.abs(found - given) <= 5e-4 * np.abs(given) + 2e-9 * np.abs(given).max(-1, keepdims=True)).all()
    assert (found[2, 1] == given[2, 1]).all() and (found[0, 0] == 0).all()


def test_questions_about_one_photo_share_a_fold(data, tmp_path, monkeypatch):
    seen = []

    def predict(states_ND, answers, parts):
        seen.append(parts)
        return probing.Predictions(np.array(answers), 0)

    monkeypatch.setattr(probing, "predict", predict)
    metrics = probe(asked(data, "photos", limit=81), tmp_path, model=Layered(), progress=False)
    groups = [row.group for row in dataset.Dataset.open(data / "photos").read("test", limit=81)]
    assert len({*zip(groups, seen[0], strict=True)}) == len(set(groups))
    assert "a photo, share a fold" in metrics["stratified"] and metrics["n"] == 81


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("few", {}, DataError, "few: class 'center left': 2 examples for 3 folds"),
        ("few", {"limit": 0}, DataError, "--limit 0"),
        ("drawn", {"folds": 1}, DesignError, "--folds 1"),
        ("drawn", {"folds": 14}, DataError, "13 examples for 14 folds"),
        ("drawn", {"seed": -1}, DesignError, "--seed -1"),
    ],
)
def test_what_cannot_be_probed_is_refused_before_anything_is_written(data, tmp_path, name, options, error, message):
    with pytest.raises(error, match=message):
        probe(asked(data, name, **options), tmp_path / "run", model=Layered(), progress=False)
    assert not (tmp_path / "run").exists()


def test_too_many_examples_for_the_memory_are_refused(data, tmp_path, monkeypatch):
    monkeypatch.setattr(probing, "memory", lambda examples, width: 2**60)
    with pytest.raises(DataError, match="probe fewer with --limit"):
        probe(asked(data), tmp_path / "run", model=Layered(), progress=False)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (np.full((20, 2, 3), np.nan), "example 0 at layer 1 is not finite"),
        (np.full((20, 2, 3), 1e300), "not finite"),
        (np.zeros((20, 3)), r"return floating-point numbers of the shape \(20, layers, width\)"),
        ([], "shape"),
    ],
)
def test_states_that_cannot_be_stored_are_an_error_of_the_model(data, tmp_path, found, message):
    model = Layered()
    model.hidden_states = lambda examples: found
    with pytest.raises(ModelError, match=message):
        probe(asked(data), tmp_path, model=model, progress=False)


@pytest.mark.parametrize("name", ["nano-clip", "openai/clip-vit-large-patch14-336", "openai:http://localhost/v1"])
def test_models_without_states_are_refused_by_name(data, tmp_path, name):
    with pytest.raises(ModelError, match=r"no layer that sees image and question|a server tells no hidden states"):
        probe(ProbeSpec(ModelSpec(name), data / "drawn"), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
    check_has_states("nano")


def test_the_states_of_a_real_architecture(data, tiny_llava, tmp_path):
    spec = ProbeSpec(ModelSpec(str(tiny_llava)), data / "drawn", limit=27, folds=2, keep_states=True)
    assert [row["layer"] for row in probe(spec, tmp_path, progress=False)["by_layer"]] == [1, 2]
    assert resolve_id(spec) == store.read_json(tmp_path / "spec.json")["id"]
    from ninefold.models.load import open_model

    examples = list(dataset.Dataset.open(data / "drawn").read("test", limit=27))
    expected = open_model(str(tiny_llava)).hidden_states(examples[:20])
    for layer in (1, 2):
        np.testing.assert_allclose(
            states.read_layer(tmp_path / "states", layer, 27)[:20], expected[:, layer - 1], rtol=5e-4, atol=1e-3
        )


@pytest.mark.parametrize("change", [lambda text: text[:-20], lambda text: text[20:], lambda text: b"\x7f" * len(text)])
def test_damaged_states_are_an_error_of_one_line(data, tmp_path, change):
    with pytest.raises(KeyboardInterrupt):
        probe(asked(data), tmp_path, model=Layered(ends=2), progress=False)
    for file in (tmp_path / "states").iterdir():
        file.write_bytes(change(file.read_bytes()))
    with pytest.raises(RunError, match=r"damaged .* remove it and run the same command again"):
        probe(asked(data), tmp_path, model=Layered(), progress=False)


@pytest.mark.parametrize("text", ["", "layer,fold\n", "layer,fold,accuracy\n1,2,0.5\n", "layer,fold,accuracy\n1,1,7\n"])
def test_an_edited_table_is_refused(tmp_path, text):
    (tmp_path / "probes.csv").write_text(text)
    with pytest.raises(RunError, match="not what ninefold writes"):
        read_probes(tmp_path)
