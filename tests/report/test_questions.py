"""The report of other questions than the nine positions: labels, symbols and right answers come from the run."""

import json
from html.parser import HTMLParser

import pandas as pd
import pytest

from ninefold.report.sections import section
from ninefold.report.test_sets import group, read_runs
from ninefold.runs.outcome import run_id
from ninefold.seeding import rng
from ninefold.web.thumbnails import Pictures

HORIZONTAL = ("left", "center", "right")
COLORS = ("red", "green", "blue", "white", "magenta", "cyan")
TRUTH_VALUES = ("true", "false")


class Text(HTMLParser):
    def __init__(self, content: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(content)

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def run(tmp_path, evaluation, answers):
    """A maker of finished runs that asked another question, with score table and metrics made by hand."""

    def make(name, labels, answer_of, *, canonical=True, cells=True):
        table = answers(0.5)
        folder = evaluation(name, table)
        scores = pd.read_parquet(folder / "scores.parquet")
        random = rng(0, "questions", name)
        scores["answer"] = [
            answer_of(row, col, n) for n, (row, col) in enumerate(scores[["cell_row", "cell_col"]].to_numpy())
        ]
        scores["label"] = [
            answer if random.random() < 0.6 else labels[random.integers(len(labels))] for answer in scores["answer"]
        ]
        scores["kind"] = "label"
        scores["text"], scores["correct"] = scores["label"], scores["label"] == scores["answer"]
        scores["options"] = [list(labels)] * len(scores)
        by_cell = scores.groupby(["cell_row", "cell_col"])["answer"].unique()
        metrics = json.loads((folder / "metrics.json").read_text())
        grid = [[by_cell[row, col] for col in range(9)] for row in range(9)]
        metrics |= {
            "accuracy": float(scores["correct"].mean()),
            "answer_by_cell": [[seen[0] if len(seen) == 1 else None for seen in row] for row in grid],
            "votes": scores.groupby(["cell_row", "cell_col"])["label"].agg(lambda said: said.mode()[0])
            .to_numpy().reshape(9, 9).tolist(),
            "confusion": {
                answer: rows["label"].value_counts().to_dict() for answer, rows in scores.groupby("answer")
            },
        }  # fmt: skip
        if not cells:
            scores = scores.drop(columns=["cell_row", "cell_col", "region"])
            metrics = {
                key: value
                for key, value in metrics.items()
                if not key.startswith(("by_", "ci95_by", "n_by", "votes", "answer_by"))
            }
        scores.to_parquet(folder / "scores.parquet")
        (folder / "metrics.json").write_text(json.dumps(metrics))
        spec = json.loads((folder / "spec.json").read_text())
        spec["data"]["labels"] = list(labels) if canonical else []
        rewrite(folder / "spec.json", spec)
        return folder

    return make


def rewrite(path, spec):
    """Write a specification as if the run had begun with it."""
    spec = {key: value for key, value in spec.items() if key != "id"}
    path.write_text(json.dumps({"id": run_id(spec), **spec}))


def drawn(folder):
    (test_set,) = group(read_runs([folder])[0])
    return section(test_set, "set", 20, Pictures())


def test_three_columns_of_the_picture(run, html):
    folder = run("columns", HORIZONTAL, lambda row, col, n: HORIZONTAL[col // 3])
    shown = drawn(folder)
    assert [symbol.text for symbol in shown.symbols.values()] == ["←", "•", "→"]
    (matrix,) = shown.confusions
    assert matrix.head == ("right answer", *HORIZONTAL)
    assert [name for name, _ in matrix.rows] == list(HORIZONTAL)
    assert all(cells[index].is_right for index, (_, cells) in enumerate(matrix.rows))
    (votes,) = shown.votes
    right = sum(list(drawn.symbols) == [HORIZONTAL[drawn.cell.col // 3]] for drawn in votes.cells)
    assert votes.note.startswith(f"The most common answer is right in {right} of 81")
    # Regions stay the nine of the picture, whatever is asked.
    assert len(shown.numbers[1].rows) == 9
    text = Text(html(folder)).text
    assert "shows each label exactly where it is the right answer" in text


def test_colors_are_judged_by_no_cell(run, html):
    folder = run("colors", COLORS, lambda row, col, n: COLORS[n % 6])
    shown = drawn(folder)
    assert list(shown.symbols) == list(COLORS)
    assert shown.symbols["magenta"].fill == "#ff00ff"
    assert [panel.note for panel in shown.votes] == [""]
    text = Text(html(folder)).text
    assert "a model without position bias shows no pattern" in text
    assert "The most common answer is right" not in text


def test_cells_whose_few_examples_share_an_answer_by_chance_are_not_judged(run):
    alike = run("alike", COLORS, lambda row, col, n: "red")
    shown = drawn(alike)
    assert not shown.shows_answers and [panel.note for panel in shown.votes] == [""]
    # An answer that the cell decides is known from a whole set, not from its first rows.
    corners = run("corners", COLORS, lambda row, col, n: "red" if row < 3 and col < 3 else "blue")
    assert drawn(corners).shows_answers
    spec = json.loads((corners / "spec.json").read_text())
    spec["data"]["limit"] = 324
    rewrite(corners / "spec.json", spec)
    assert not drawn(corners).shows_answers


def test_labels_of_rows_with_their_own_come_in_order_of_appearance(run, html):
    folder = run("claims", TRUTH_VALUES, lambda row, col, n: TRUTH_VALUES[n % 2], canonical=False, cells=False)
    shown = drawn(folder)
    assert {label: symbol.text for label, symbol in shown.symbols.items()} == {"true": "T", "false": "F"}
    assert (shown.votes, shown.accuracy) == ((), ())
    assert [name for name, _ in shown.confusions[0].rows] == list(TRUTH_VALUES)
    assert "right" in html(folder)


def test_answers_in_free_text_get_no_matrix(run):
    words = tuple(f"word {n}" for n in range(30))
    shown = drawn(run("free", words, lambda row, col, n: words[n % 30], canonical=False))
    assert (shown.confusions, shown.votes) == ((), ())
    assert shown.accuracy


def test_a_page_that_is_not_complete_says_so(evaluation, answers, html):
    folder = evaluation("base", answers(0.4, per_cell=1))
    text = " ".join(html(folder, pending=["tuning", "synthetic-tuned"]).split())
    assert "This report is not complete.</strong> Still running: tuning, synthetic-tuned." in text
    assert "not complete" not in html(folder)


def test_peak_memory_is_among_the_facts_of_a_training(training, html):
    folder = training()
    provenance = json.loads((folder / "provenance.json").read_text())
    (folder / "provenance.json").write_text(json.dumps(provenance | {"peak_memory_mib": {"cpu": 812, "gpu": 20480}}))
    assert "<dt>peak memory, GPU</dt><dd>20,480 MiB</dd>" in html(folder)
