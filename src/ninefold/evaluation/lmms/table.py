"""The table of predictions of a benchmark that lmms-eval ran, from our file of answers and the kit's log of samples."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ninefold.errors import RunError
from ninefold.evaluation import predictions
from ninefold.evaluation.lmms import answers
from ninefold.evaluation.lmms.answers import Answered
from ninefold.evaluation.lmms.known import KNOWN, Read
from ninefold.evaluation.lmms.layout import ANSWERS, KIT_SCORE, OUTPUT
from ninefold.types import Factor

_LONGEST = 80
"""Letters of the longest text that becomes a column of its own."""


def write(run: Path, task: str) -> None:
    """Write ``predictions.parquet`` of a run that lmms-eval has finished.

    Raises:
        RunError: If there are no answers, or lmms-eval logged none of them.
    """
    logged = {row["doc_id"]: row for row in _logged(run, task)}
    found = [answer for answer in answers.read_all(run / ANSWERS) if answer["id"].startswith(f"{task}/")]
    if not found or not logged:
        raise RunError(f"{run}: lmms-eval left no answers of task {task}; delete the folder, and evaluate again")
    rows = [_row(answer, logged.get(int(answer["id"].rpartition("/")[2]), {}), task) for answer in found]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    predictions.write(run, [{name: row.get(name) for name in columns} for row in rows])


def _logged(run: Path, task: str) -> Iterator[Mapping[str, Any]]:
    for path in sorted((run / OUTPUT).rglob(f"*_samples_{task}.jsonl")):
        yield from map(json.loads, path.read_bytes().splitlines())


def _row(answer: Answered, logged: Mapping[str, Any], task: str) -> dict[str, Any]:
    document, known = answer["document"], KNOWN.get(task)
    read = _generic(document, logged) if known is None else known.read(document)
    score = None if known is None else known.score(logged)
    taken = predictions.RESERVED | {"images", KIT_SCORE}
    return {
        "id": answer["id"],
        "text": answer["text"],
        "truncated": answer["truncated"],
        "scores": None,
        "question": str(document.get("question") or answer["prompt"]),
        "prompt": answer["prompt"],
        "options": list(read.options),
        "answer": read.answer,
        "answer_format": read.answer_format,
        "group": read.group or answer["id"],
        "images": answer["images"],
        **({} if score is None and known is None else {KIT_SCORE: score}),
        **{name: value for name, value in read.factors.items() if name not in taken},
    }


def _generic(document: Mapping[str, Any], logged: Mapping[str, Any]) -> Read:
    """Return the row of a task that is not known here; one that ninefold exported tells everything itself."""
    if document.get("answer_format"):
        return Read(
            document["answer"],
            document.get("options") or (),
            document["answer_format"],
            document["group"],
            json.loads(document.get("factors") or "{}"),
        )
    factors: dict[str, Factor] = {
        name: str(value)
        for name, value in document.items()
        if isinstance(value, int | float | str) and len(str(value)) <= _LONGEST
    }
    return Read(str(logged.get("target", "")), (), "short_text", "", factors)
