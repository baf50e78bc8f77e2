import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from ninefold.errors import RunError
from ninefold.evaluation.lines import recover
from ninefold.runs.tables import has_scores, read_predictions

ROW = {
    **{
        "id": "e1",
        "text": "left",
        "truncated": False,
        "scores": None,
        "question": "?",
        "prompt": "?",
        "answer": "left",
    },
    **{
        "options": ["left", "right"],
        "answer_format": "labels",
        "group": "g",
        "region": "top right",
        "cell_row": 2,
        "cell_col": 8,
    },
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="text"), "without the column text"),
        (lambda table: table.assign(text=1), "column text of type int64"),
        (lambda table: table.assign(text=None), "column text of type null"),
        (lambda table: table.assign(options=[["left", None], ["left"]]), "column options without a value in row 1"),
        (lambda table: table.assign(group=["g", None]), "column group without a value in row 2"),
        (lambda table: table.assign(cell_col=[8, 9]), "a value of column cell_col outside the grid"),
        (lambda table: table.assign(cell_col=[8.0, float("nan")]), "column cell_col of type double"),
        (lambda table: table.assign(id="e1"), "two rows of e1"),
    ],
)
def test_a_table_that_ninefold_did_not_write_is_refused_by_column(
    tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], message: str
) -> None:
    table, path = pd.DataFrame([ROW, {**ROW, "id": "e2"}]), tmp_path / "predictions.parquet"
    table.to_parquet(path)
    assert read_predictions(tmp_path)["id"].tolist() == ["e1", "e2"]
    change(table).to_parquet(path)
    with pytest.raises(RunError, match=f"{path}: {message}, which is never written; remove it and repeat"):
        read_predictions(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\0" * 99])
def test_a_damaged_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "predictions.parquet").write_bytes(content)
    with pytest.raises(RunError, match=r"predictions\.parquet: not readable as parquet \("):
        read_predictions(tmp_path)


def test_a_pipe_in_place_of_a_table_is_no_table_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "scores.parquet")
    assert not has_scores(tmp_path)
    os.mkfifo(tmp_path / "predictions.jsonl")
    with pytest.raises(RunError, match=r"predictions\.jsonl: is no file"):
        recover(tmp_path / "predictions.jsonl", 1)
