"""Evaluation in all orders of the options: every question 18 times, and how far answers depend on the order."""

import io
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from ninefold import store
from ninefold.analysis.consistency import consistency
from ninefold.cli import main
from ninefold.data.format.card import About
from ninefold.data.format.dataset import write
from ninefold.design import williams
from ninefold.errors import DataError
from ninefold.evaluation.evaluate import evaluate
from ninefold.evaluation.orders import AllOrders
from ninefold.evaluation.resolve import resolve_id
from ninefold.evaluation.score import score
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.fake import FakeModel
from ninefold.models.spec import ModelSpec
from ninefold.questions.prompt import prompt
from ninefold.report.gallery import gallery
from ninefold.report.orders import tables
from ninefold.report.test_sets import group, read_runs
from ninefold.space import LABELS
from ninefold.types import Example
from ninefold.web.thumbnails import Pictures

FAKE = ModelSpec("fake")
FIRST = FakeModel(lambda example: example.options[0])
"""A model that answers with whatever stands first."""
CAREFUL = FakeModel(lambda example: example.answer if "cat" in example.question else example.options[-1])
"""A model that is right about cats, and about others answers with whatever stands last."""


def picture(shade: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), (shade, 0, 0)).save(buffer, "PNG")
    return buffer.getvalue()


def rows() -> list[Example]:
    """Two photos, each with a cat and a dog."""
    made = []
    for number, (thing, answer) in enumerate([("cat", 0), ("dog", 4), ("cat", 4), ("dog", 8)]):
        asked = f"Where is the {thing}?"
        place = {"region": LABELS[answer], "cell_row": answer // 3 * 3, "cell_col": answer % 3 * 3}
        made.append(
            Example(
                f"e{number}", picture(number // 2), asked, prompt(asked, LABELS), LABELS, LABELS[answer],
                group=f"photo{number // 2}", factors={**place, "order": 0, "slot": answer},
            )
        )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("orders") / "data"
    write(folder, {"test": rows()}, about=About("t", "d", {"relabeling": [8, *range(8)]}, labels=LABELS))
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("orders") / "run"
    evaluate(EvaluateSpec(FAKE, data, orders="all"), out, model=CAREFUL, progress=False)
    return out


def test_each_question_is_asked_in_every_order_of_the_data_sets_design(run):
    answered = pd.read_parquet(run / "predictions.parquet")
    assert len(answered) == 4 * 18
    assert answered["id"].tolist()[:19] == [*(f"e0@{order}" for order in range(18)), "e1@0"]
    for _, part in answered.groupby("item"):
        assert part["order"].tolist() == list(range(18))
        assert len({tuple(options) for options in part["options"]}) == 18
        assert sorted(part["slot"]) == sorted([*range(9)] * 2)
    first = answered.iloc[0]
    relabeled = [LABELS[[8, *range(8)][option]] for option in williams(9)[0]]
    assert list(first["options"]) == relabeled
    assert first["prompt"] == prompt(first["question"], relabeled)
    assert relabeled[first["slot"]] == first["answer"]


def test_metrics_say_how_far_answers_depend_on_the_order(run):
    metrics = store.read_json(run / "metrics.json")
    found = metrics["orders"]
    # Of dogs, the last option is right in the two orders that end with it.
    assert (metrics["n"], metrics["accuracy"]) == (72, (36 + 4) / 72)
    assert (found["items"], found["orders"]) == (4, 18)
    assert (found["all_right"]["accuracy"], found["all_right"]["n"], found["changed"]["accuracy"]) == (0.5, 4, 0.5)
    assert len(found["by_order"]) == 18 and {each["n"] for each in found["by_order"]} == {4}
    assert [round(each["accuracy"], 3) for each in found["by_slot"]] == [0.5] * 8 + [1]
    assert found["by_slot"][8]["given"] == pytest.approx((36 + 4) / 72)
    assert sum(each["given"] for each in found["by_slot"]) == pytest.approx(1)
    assert metrics["by_region"]["center"]["n"] == 36
    before = (run / "metrics.json").read_bytes()
    assert score(run) == metrics and (run / "metrics.json").read_bytes() == before


def test_the_interval_is_that_of_photos_and_not_of_orders(data, run, tmp_path):
    low, high = store.read_json(run / "metrics.json")["ci95"]
    assert high - low > 0.2
    assert store.read_json(run / "spec.json")["data"]["clustering"] == "group"
    assert set(pd.read_parquet(run / "scores.parquet")["group"]) == {"photo0", "photo1"}
    census = AllOrders(LABELS, tuple(range(9)), is_census=True)
    assert {example.group for example in census.asked(rows())} == {"e0", "e1", "e2", "e3"}


def test_the_orders_are_part_of_the_run(data, run):
    assert store.read_json(run / "spec.json")["orders"] == "all"
    names = {"model": FAKE, "data": data}
    assert "orders" not in store.read_json(run / "spec.json")["data"]
    given = ["as-made", "all"]
    ids = {resolve_id(EvaluateSpec(ModelSpec("nano"), data, orders=orders)) for orders in given}
    assert len(ids) == 2 and names


def test_an_interrupted_run_ends_with_the_same_answers(data, run, tmp_path):
    seen = []

    def stop(example: Example) -> str:
        seen.append(example.id)
        if len(seen) == 40:
            raise KeyboardInterrupt
        return CAREFUL.answer(example)

    spec = EvaluateSpec(FAKE, data, orders="all")
    with pytest.raises(KeyboardInterrupt):
        evaluate(spec, tmp_path / "run", model=FakeModel(stop), progress=False)
    evaluate(spec, tmp_path / "run", model=CAREFUL, progress=False)
    for name in ("predictions.parquet", "metrics.json"):
        assert (tmp_path / "run" / name).read_bytes() == (run / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "about", "said"),
    [
        (lambda row: row, {"labels": ()}, "needs labels that all questions share"),
        (lambda row: replace(row, prompt=f"{row.prompt} Think."), {}, "row e0: --orders all cannot make its prompt"),
        (lambda row: replace(row, factors={**row.factors, "item": "x"}), {}, "has a column 'item'"),
    ],
)
def test_what_has_prompts_or_options_of_its_own_is_refused(tmp_path, change, about, said):
    write(tmp_path / "data", {"test": map(change, rows())}, about=About("t", "d", {}, **{"labels": LABELS, **about}))
    with pytest.raises(DataError, match=said):
        evaluate(EvaluateSpec(FAKE, tmp_path / "data", orders="all"), tmp_path / "run", model=FIRST, progress=False)


def test_a_report_names_the_orders_and_shows_the_pictures(data, run, tmp_path, capsys):
    evaluate(EvaluateSpec(FAKE, data), tmp_path / "made", model=CAREFUL, progress=False)
    asked, made = group(read_runs([run, tmp_path / "made"])[0])
    assert (asked.name, made.name) == ("data, in all 18 orders of options", "data")
    pictures = Pictures()
    shown = gallery(asked, "data", 8, pictures)
    assert shown.missing is None and all(example.picture is not None for example in shown.first)
    over, by_slot = tables(asked)
    assert [cell.text for cell in over.rows[0][1]][:2] == ["50.0\u202f%", "50.0\u202f%"]
    assert [name for name, _ in by_slot.rows] == list("123456789") and by_slot.rows[8][1][0].text == "100\u202f%"
    assert tables(made) == ()
    main(["score", str(run)])
    assert "in all 18 orders of the options: 50.0" in capsys.readouterr().out


def test_a_model_that_looks_at_slots_alone_is_never_consistent():
    asked = list(AllOrders(LABELS, tuple(range(9)), is_census=True).asked(rows()))
    table = pd.DataFrame(
        {
            "item": example.factors["item"], "order": example.factors["order"], "slot": example.factors["slot"],
            "options": example.options, "label": example.options[0], "kind": "label", "group": example.group,
            "correct": example.options[0] == example.answer,
        }
        for example in asked
    )  # fmt: skip
    found = consistency(table, "group")
    assert (found["all_right"]["accuracy"], found["changed"]["accuracy"]) == (0, 1)
    assert [slot["accuracy"] for slot in found["by_slot"]] == [1] + [0] * 8
    assert [slot["given"] for slot in found["by_slot"]] == [1] + [0] * 8
