import json

from ninefold.report.image_inputs import tables
from ninefold.report.test_sets import read_runs


def sight(picture, examples, tokens, *, pixels=(672, 672), share=1.0):
    return {
        "picture": list(picture), "examples": examples, "pixels": list(pixels) if pixels else None, "tiles": 5,
        "share": share, "image_tokens": tokens, "prompt_tokens": [tokens + 50, tokens + 55],
    }  # fmt: skip


def saw(folder, *pictures, others=None):
    record = {
        "settings": {"image_processor_type": "SomeImageProcessor", "resample": 3},
        "pictures": list(pictures),
        "others": others,
    }
    (folder / "sees.json").write_text(json.dumps(record))
    return folder


def texts(table):
    return [[name, *(entry.text for entry in entries)] for name, entries in table.rows]


def test_a_table_a_model_and_what_runs_agree_in_once(evaluation, training, answers):
    square = sight((672, 672), 324, 2928)
    runs = [
        saw(evaluation("base", answers(0.4)), square),
        saw(evaluation("tuned", answers(0.9), tuned=True), square),
        saw(evaluation("other", answers(0.9), model="qwen"), sight((640, 480), 324, 0, pixels=None, share=0.75)),
        saw(training(), sight((672, 672), 1000, 2928)),
        evaluation("far", answers(0.5), model="openai:http://there"),
    ]
    nano, qwen = tables([run for kind in read_runs(runs) for run in kind])
    assert (nano.title, qwen.title) == ("nano", "qwen")
    assert texts(nano) == [
        ["synthetic", "672 × 672", "324", "672 × 672", "5", "2,928", "2,978 to 2,983"],
        ["training and validation", "672 × 672", "1,000", "672 × 672", "5", "2,928", "2,978 to 2,983"],
    ]
    assert texts(qwen) == [["synthetic", "640 × 480", "324", "", "5", "", "50 to 55"]]
    assert qwen.rows[0][1][2].detail == "75\u202f% of it"


def test_runs_that_saw_something_else_are_told_apart(evaluation, answers):
    runs = [
        saw(evaluation("base", answers(0.4)), sight((672, 672), 324, 2928)),
        saw(evaluation("small", answers(0.9), tuned=True), sight((672, 672), 324, 576)),
    ]
    (table,) = tables(read_runs(runs)[0])
    assert [name for name, _ in table.rows] == ["synthetic", "synthetic, small"]


def test_of_many_sizes_the_first_are_shown_and_the_others_summed_up(evaluation, answers):
    pictures = [sight((600 + k, 400), 10, 2000 + k) for k in range(9)]
    run = saw(evaluation("photos", answers(0.4)), *pictures, others={"sizes": 40, "examples": 70})
    (table,) = tables(read_runs([run])[0])
    assert len(table.rows) == 6
    assert texts(table)[0][:2] == ["synthetic", "600 × 400"]
    assert texts(table)[-1] == ["", "44 others", "110", "", "5", "2,005 to 2,008", "2,055 to 2,063"]


def test_the_page_shows_it(html, evaluation, answers):
    page = html(saw(evaluation("base", answers(0.4)), sight((672, 672), 324, 2928)))
    assert "Image inputs" in page
    assert "Image processor: SomeImageProcessor." in page
    assert "<td>2,928</td>" in page
    assert "<dt>image processor</dt>" in page
    page = html(evaluation("plain", answers(0.4, per_cell=1)))
    assert "Image inputs" not in page
