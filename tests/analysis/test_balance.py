"""The figures of reference/balance-and-statistics.md, on tables made here from its formulas alone."""

import json

import numpy as np
import pytest

from ninefold.analysis.balance import between, bound, within
from ninefold.data.sources.synthetic import SyntheticSpec, examples
from ninefold.space import LABELS

FIRST = [0, 1, 8, 2, 7, 3, 6, 4, 5]


def option_order(number):
    row = [(label + number) % 9 for label in FIRST]
    return row if number < 9 else row[::-1]


def design(objects):
    rows = []
    for o in range(objects):
        for u in range(9):
            for c in range(9):
                for s in range(2):
                    f = 3 * (u % 3) + u // 3
                    order = (u + o + c + f) % 9 if (s + o) % 2 == 0 else 9 + (u + o + 5 - c - f) % 9
                    options = [LABELS[label] for label in option_order(order)]
                    rows.append({
                        "id": f"{o}-{u}-{c}-{s}",
                        "object": f"thing {o}",
                        "size": ("regular", "small")[s],
                        "region": LABELS[u],
                        "cell_row": 3 * (u // 3) + c // 3,
                        "cell_col": 3 * (u % 3) + c % 3,
                        "grid": 9,
                        "order": order,
                        "question": f"Where is thing {o}?",
                        "prompt": f"{o} {options}",
                        "options": options,
                        "answer": LABELS[u],
                    })  # fmt: skip
    return rows


def table(rows):
    return {name: [row[name] for row in rows] for name in rows[0]}


def counts(stated):
    return {tuple(entry["factors"]): (entry["min"], entry["max"]) for entry in stated["marginals"]}


@pytest.mark.parametrize("objects", [24, 10, 8, 2])
def test_what_the_design_makes_exact(objects):
    stated = within(table(design(objects)))
    found = counts(stated)
    rows = 162 * objects
    for factors, expected in {
        ("object", "order", "region"): 1,
        ("object", "size", "region", "slot"): 1,
        ("slot",): rows // 9,
        ("region", "slot"): rows // 81,
        ("object", "slot"): 18,
        ("size", "slot"): rows // 18,
        ("size", "slot", "region"): rows // 162,
        ("region", "order"): objects,
        ("object", "order"): 9,
        ("size", "order"): rows // 36,
        ("cell_row", "slot"): rows // 81,
        ("cell_col", "slot"): rows // 81,
        ("inner_cell", "slot"): rows // 81,
        ("region", "before"): rows // 81,
        ("region", "after"): rows // 81,
    }.items():
        assert found[factors] == (expected, expected), factors
    assert {tuple(entry["factors"]) for entry in stated["not_exact"]} == {
        ("cell", "slot"), ("cell", "order"), ("cell", "size", "slot"), ("object", "size", "order"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("objects", "slot", "order", "size_slot"),
    [
        (24, (5, 6), (2, 3), (2, 3)),
        (10, (2, 3), (1, 2), (1, 2)),
        (8, (1, 2), (0, 1), (0, 1)),
        (2, (0, 1), (0, 1), (0, 1)),
    ],
)
def test_what_cannot_be_exact_and_by_how_much(objects, slot, order, size_slot):
    found = counts(within(table(design(objects))))
    assert (found["cell", "slot"], found["cell", "order"], found["cell", "size", "slot"]) == (slot, order, size_slot)


@pytest.mark.parametrize(("objects", "fraction"), [(24, (432, 3888)), (10, (180, 1620))])
def test_text_alone_is_worth_one_ninth(objects, fraction):
    stated = within(table(design(objects)))
    assert len(stated["text_only"]) == 7
    for view in stated["text_only"]:
        assert (view["numerator"], view["denominator"], view["reduced"]) == (*fraction, "1/9"), view
        assert view.get("mutual_information_bits", 0) == 0
    assert stated["text_only"][0]["texts"] == stated["distinct"]["prompts"] == 18 * objects
    assert stated["orders"] == {
        "found": 18,
        "option_in_slot": {"min": 2, "max": 2},
        "option_right_after_another": {"min": 2, "max": 2},
        "option_anywhere_after_another": {"min": 9, "max": 9},
    }


def test_levels_that_never_meet_are_counted_as_zero():
    rows = [row for row in design(2) if not (row["object"] == "thing 0" and row["region"] == "center")]
    entry = next(
        entry for entry in within(table(rows))["marginals"] if entry["factors"] == ["object", "order", "region"]
    )
    assert (entry["levels_expected"], entry["levels_found"], entry["min"], entry["exact"]) == (324, 306, 0, False)


def test_further_factors_are_stated_too():
    rows = [row | {"weather": ("sun", "rain")[place % 2]} for place, row in enumerate(design(2))]
    found = counts(within(table(rows)))
    assert found["weather",] == (162, 162)
    assert found["weather", "region"] == (18, 18)
    assert ("weather", "slot") in found


def test_a_random_split_gives_away_what_is_missing():
    rows = design(10)
    picked = np.random.default_rng(0).permutation(len(rows))
    train, validation = (table([rows[i] for i in part]) for part in (picked[:1296], picked[1296:]))
    assert 0.13 < within(train)["text_only"][0]["numerator"] / 1296 < 0.15
    told = between(train, validation)
    assert told["shared"]["prompts"] > 150 and told["shared"]["ids"] == 0
    assert told["carried_over"]["most seen"] == 0
    assert 0.45 <= told["carried_over"]["least seen"] / 324 <= 0.5


def test_a_split_by_object_shares_nothing():
    rows = design(10)
    told = between(table(rows[: 8 * 162]), table(rows[8 * 162 :]))
    assert set(told["shared"].values()) == {0}
    assert told["carried_over"] == {"rows": 324, "most seen": 0, "least seen": 0}


def test_a_text_that_tells_all():
    told = bound("text", np.array([0, 1, 2, 0]), np.array([2, 1, 0, 2]))
    assert (told["numerator"], told["denominator"], told["reduced"], told["texts"]) == (4, 4, "1", 3)
    assert told["mutual_information_bits"] == 1.5


def test_rows_without_options_or_places():
    stated = within({"id": ["a", "b"], "question": ["q", "r"], "prompt": ["q", "r"], "options": [[], []],
                     "answer": ["yes", "no"]})  # fmt: skip
    assert "orders" not in stated and stated["marginals"] == []
    assert [view["view"] for view in stated["text_only"]] == ["prompt", "question", "nothing"]


def test_distractors_that_keep_away_are_a_cue():
    rows = []
    for place, row in enumerate(design(2)):
        target = {"row": row["cell_row"], "col": row["cell_col"]}
        other = {"row": (target["row"] + 3 + 3 * (place % 2)) % 9, "col": target["col"]}
        rows.append(row | {"distractors": 1, "things": [target, other]})
    stated = within(table(rows))["distractors"]
    assert (stated["distractors"], stated["in_the_targets_region"]) == (324, 0)
    assert stated["seeing_one"]["reduced"] == "1/2"


def test_a_distractor_is_a_cue_to_the_answer_asked_for_and_not_to_the_region():
    rows = list(examples(SyntheticSpec("train", "horizontal_position", distractors=2, grid=3))["train"])
    table = {name: [row.factors[name] for row in rows] for name in rows[0].factors} | {
        name: [getattr(row, name) for row in rows] for name in ("id", "question", "prompt", "answer", "group")
    }
    table |= {"options": [list(row.options) for row in rows]}
    table |= {"things": [json.loads(scene)["things"] for scene in table["scene"]]}
    seen = within(table)["distractors"]["seeing_one"]
    # Whoever always says "left" is right as often as that.
    assert seen["numerator"] * 3 >= seen["denominator"]
