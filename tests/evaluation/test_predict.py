import json

import numpy as np
import pandas as pd
import pytest

from ninefold.errors import DataError, ModelError, RunError
from ninefold.evaluation.predict import predict
from ninefold.models.fake import FakeModel
from ninefold.space import LABELS
from ninefold.types import Example, Prediction

SPEC = {"model": {"name": "fake"}, "data": {"limit": None}}


def examples(n=23):
    return [
        Example(
            id=f"e{i}",
            image=b"",
            question=f"Where is thing {i}?",
            prompt="p",
            options=LABELS,
            answer=LABELS[i % 9],
            group=f"g{i // 2}",
            factors={"region": LABELS[i % 9], "number": i, "share": i / 7, "note": None if i else "é\n"},
        )
        for i in range(n)
    ]


class Dies(FakeModel):
    """Answers a few calls, and then fails as a killed process would."""

    def __init__(self, calls):
        super().__init__(lambda example: example.answer)
        self.calls = calls

    def predict(self, examples, *, max_new_tokens=15):
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        return super().predict(examples, max_new_tokens=max_new_tokens)


def run(model, out, **options):
    predict(model, examples(), out, spec=SPEC, chunk=5, progress=False, **options)


def whole(tmp_path):
    run(Dies(99), tmp_path / "whole")
    return (tmp_path / "whole" / "predictions.parquet").read_bytes()


def test_keeps_words_questions_and_factors_in_order(tmp_path):
    said = [f"  The **{label}**\n\u2028" for label in LABELS]
    run(FakeModel(lambda example: said[LABELS.index(example.answer)]), tmp_path / "run")
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert table["id"].tolist() == [f"e{i}" for i in range(23)]
    assert table["text"].tolist() == [said[i % 9] for i in range(23)]
    assert table["number"].tolist() == list(range(23))
    assert table["share"].tolist() == [i / 7 for i in range(23)]
    assert table["note"][0] == "é\n" and table["note"].isna().sum() == 22
    assert list(table["options"][3]) == list(LABELS)
    assert {file.name for file in (tmp_path / "run").iterdir()} == {"spec.json", "predictions.parquet"}


@pytest.mark.parametrize("calls", [0, 1, 3, 4])
def test_an_interrupted_run_ends_with_the_same_bytes(tmp_path, calls):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(Dies(calls), out)
    assert len((out / "predictions.jsonl").read_bytes().splitlines()) == 5 * calls
    run(Dies(5 - calls), out)  # asks only what was missing
    assert (out / "predictions.parquet").read_bytes() == whole(tmp_path)


@pytest.mark.parametrize("torn", [b'{"id": "e10", "te', b'{"id": "e10"}', b"\xff\xfe\n", b"\0" * 40, b"[1]\n", b"{}\n"])
def test_a_torn_end_is_asked_again(tmp_path, torn):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(Dies(2), out)
    with (out / "predictions.jsonl").open("ab") as file:
        file.write(torn)
    run(Dies(3), out)
    assert (out / "predictions.parquet").read_bytes() == whole(tmp_path)


def test_a_torn_chunk_is_asked_again_as_a_whole(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(Dies(2), out)
    lines = (out / "predictions.jsonl").read_bytes().splitlines(keepends=True)
    (out / "predictions.jsonl").write_bytes(b"".join(lines[:8]))
    with pytest.raises(KeyboardInterrupt):
        run(Dies(3), out)
    run(Dies(1), out)
    assert (out / "predictions.parquet").read_bytes() == whole(tmp_path)


def test_a_finished_run_asks_nothing(tmp_path):
    before = whole(tmp_path)
    (tmp_path / "whole" / "predictions.jsonl").write_text("left behind by a kill between two steps")
    run(Dies(0), tmp_path / "whole")
    assert whole(tmp_path) == before
    assert not (tmp_path / "whole" / "predictions.jsonl").exists()


def test_other_settings_and_other_examples_are_refused(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(Dies(2), out)
    with pytest.raises(RunError, match="other settings"):
        predict(Dies(9), examples(), out, spec={"model": {"name": "other"}}, progress=False)
    with pytest.raises(RunError, match="answers example e0 where the data set has e1"):
        predict(Dies(9), examples()[1:], out, spec=SPEC, chunk=5, progress=False)


def test_choosing_keeps_the_score_of_every_option(tmp_path):
    run(FakeModel(lambda example: example.answer), tmp_path / "run", scoring="choice")
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert table["text"].tolist() == [LABELS[i % 9] for i in range(23)]
    assert list(table["scores"][1]) == [-1, 0, -1, -1, -1, -1, -1, -1, -1]


def test_the_token_limit_is_passed_on(tmp_path):
    run(FakeModel(lambda example: "I would say top left"), tmp_path / "run", max_new_tokens=3)
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert table["text"][0] == "I would say" and table["truncated"].all()


def test_nothing_to_ask_and_reserved_names_are_errors(tmp_path):
    with pytest.raises(DataError, match="no examples"):
        predict(Dies(9), [], tmp_path / "none", spec=SPEC, progress=False)
    bad = Example("x", b"", "q", "p", LABELS, "center", factors={"label": "center"})
    with pytest.raises(DataError, match="example x: factor 'label'"):
        predict(Dies(9), [bad], tmp_path / "bad", spec=SPEC, progress=False)
    open_question = Example("y", b"", "q", "p", (), "center")
    with pytest.raises(DataError, match="no options"):
        predict(Dies(9), [open_question], tmp_path / "open", spec=SPEC, scoring="choice", progress=False)


def test_lines_are_plain_json(tmp_path):
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(Dies(1), out)
    first = json.loads((out / "predictions.jsonl").read_text().splitlines()[0])
    assert first["id"] == "e0" and first["text"] == "top left" and first["number"] == 0


def test_the_answers_are_to_exactly_the_examples_asked(tmp_path):
    with pytest.raises(RunError, match="gave 23 examples of 30"):
        run(FakeModel(lambda example: example.answer), tmp_path / "short", total=30)
    with pytest.raises(RunError, match="has example e0 more than once"):
        predict(Dies(9), [*examples(3), *examples(1)], tmp_path / "twice", spec=SPEC, progress=False)
    # Answers to more examples than there are, from a data set that was cut meanwhile.
    with pytest.raises(KeyboardInterrupt):
        run(Dies(4), tmp_path / "more")
    with pytest.raises(RunError, match=r"line 16 answers e15 where nothing was asked; delete the run folder"):
        predict(Dies(0), examples(15), tmp_path / "more", spec=SPEC, chunk=5, progress=False)


def test_a_model_that_answers_too_few_is_refused(tmp_path):
    class Lazy(FakeModel):
        def predict(self, examples, *, max_new_tokens=15):
            return super().predict(examples, max_new_tokens=max_new_tokens)[1:]

    with pytest.raises(ModelError, match="one an example, in the order given"):
        run(Lazy(str), tmp_path / "run")
    assert not (tmp_path / "run" / "predictions.jsonl").read_bytes()


class Gives(FakeModel):
    """Answers what it is told to, whatever that is."""

    def __init__(self, output):
        super().__init__(str)
        self.output = output

    def predict(self, examples, *, max_new_tokens=15):
        return self.output(examples)

    choice_scores = predict


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (lambda examples: None, "returns None where a list of predictions is needed"),
        (lambda examples: [], "returns 0 predictions for 5 examples"),
        (lambda examples: [example.answer for example in examples], "its predict returns of type str"),
        (lambda examples: [Prediction(example.id, None) for example in examples], "text for example e0 is None"),
        (lambda examples: [Prediction(example.id, 3) for example in examples], "text for example e0 is of type int"),
        (lambda examples: [Prediction("e0", "a") for _ in examples], "in the order given"),
        (lambda examples: [Prediction(each.id, "a", scores=(1,)) for each in examples], "one number per option"),
    ],
)
def test_what_is_no_prediction_is_refused_before_anything_is_stored(tmp_path, output, told):
    with pytest.raises(ModelError, match=f"fake: .*{told}"):
        run(Gives(output), tmp_path / "run")
    assert (tmp_path / "run" / "predictions.jsonl").read_bytes() == b""


@pytest.mark.parametrize("scores", [None, (), ("a",) * 9, (float("nan"),) * 9, 1.0])
def test_scores_are_one_number_per_option(tmp_path, scores):
    with pytest.raises(ModelError, match="one number per option is needed"):
        run(Gives(lambda examples: [scores] * len(examples)), tmp_path / "run", scoring="choice")


def test_half_a_surrogate_pair_becomes_the_sign_of_what_is_no_character(tmp_path):
    said = "\ufeffleft \ud83d\ude00 \ud800"
    run(Gives(lambda examples: [Prediction(each.id, said, np.bool_(0)) for each in examples]), tmp_path / "run")
    table = pd.read_parquet(tmp_path / "run" / "predictions.parquet")
    assert set(table["text"]) == {"\ufeffleft \U0001f600 \ufffd"}
