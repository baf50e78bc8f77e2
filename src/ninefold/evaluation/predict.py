"""Predictions of a model, stored as exact text; an interrupted run resumes from the stored ones.

They are appended to ``predictions.jsonl`` in chunks of a fixed size. An incomplete chunk is asked again as a whole:
chunks determine a model's batches, and with them the last bits of its numbers. A model that answers each example on its
own, such as one on a server, has no batches: its answers are appended one by one, as they come. At the end the file
becomes ``predictions.parquet``, which also holds the questions: scoring needs neither data set nor model.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, BinaryIO, Literal

from ninefold import console, images
from ninefold.errors import DataError, RunError
from ninefold.evaluation import lines, predictions
from ninefold.evaluation.model_output import check_options, checked_predictions, checked_scores
from ninefold.evaluation.one_by_one import ask_each
from ninefold.models.protocol import Model, OneByOne
from ninefold.runs import layout
from ninefold.runs.folder import open_run
from ninefold.types import Example, Prediction


def predict(
    model: Model,
    examples: Iterable[Example],
    out: Path,
    *,
    spec: Mapping[str, object],
    max_new_tokens: int = 15,
    scoring: Literal["generate", "choice"] = "generate",
    total: int | None = None,
    chunk: int = 256,
    progress: bool = True,
) -> None:
    """Begin or resume a run until ``predictions.parquet`` exists, in the order of the examples.

    Args:
        model: The model that answers.
        examples: The examples; the same at every call with the same specification.
        out: The run folder.
        spec: Everything that changes the outcome.
        max_new_tokens: Maximum number of tokens of a generated answer.
        scoring: Whether the answer is generated text or the most likely option.
        total: Number of examples, if known.
        chunk: Number of examples asked and saved together.
        progress: Whether to show a progress bar.

    Raises:
        RunError: If the folder belongs to another specification, or the answers do not match exactly these examples,
            once each.
        DataError: If there are no examples, or a factor has the name of a column of its own.
        ModelError: If the model cannot answer this way.
    """
    open_run(out, spec)
    path = out / layout.PREDICTIONS_LINES
    if not predictions.are_written(out):
        one_by_one = isinstance(model, OneByOne)
        done = lines.recover(path, 1 if one_by_one else chunk)
        if done:
            console.milestone(f"{len(done):,}{'' if total is None else f' of {total:,}'} answers are here already")
        with path.open("ab") as file, console.progress(shown=progress) as bar:
            task = bar.add_task("predict", total=total, completed=len(done))
            advance = partial(bar.update, task)
            if isinstance(model, OneByOne):
                asked = ask_each(
                    model, examples, out, file, done, scoring=scoring, max_new_tokens=max_new_tokens, advance=advance
                )
            else:
                answers = partial(_answers, model, max_new_tokens=max_new_tokens, scoring=scoring)
                asked = _ask_in_chunks(answers, _chunks(examples, chunk), path, file, done, advance=advance)
        if not asked:
            raise DataError(f"{out}: no examples to predict")
        _finish(path, out, asked, total)
    path.unlink(missing_ok=True)


def _ask_in_chunks(
    answers: Callable[[Sequence[Example]], list[Prediction]],
    chunks: Iterable[Sequence[Example]],
    path: Path,
    file: BinaryIO,
    done: Sequence[str],
    *,
    advance: Callable[..., object],
) -> list[str]:
    """Append the answers to the chunks that are not answered yet, and return the ids of all examples, in order."""
    asked: list[str] = []
    for block in chunks:
        known = done[len(asked) : len(asked) + len(block)]
        asked += [example.id for example in block]
        if known:
            _check_same(known, block, path)
            continue
        answered = answers(block)
        for example in block:
            images.check(example.image)
        lines.append(file, map(lines.line, block, answered))
        advance(advance=len(block))
    return asked


def _answers(
    model: Model, examples: Sequence[Example], *, max_new_tokens: int, scoring: Literal["generate", "choice"]
) -> list[Prediction]:
    """Return the predictions of a model, checked.

    Raises:
        ModelError: If they are not one `Prediction` per example, in order, or their scores not one per option.
    """
    if scoring == "generate":
        return checked_predictions(model.name, examples, model.predict(examples, max_new_tokens=max_new_tokens))
    for example in examples:
        check_options(example)
    return [
        Prediction(example.id, example.options[scores.index(max(scores))], scores=scores)
        for example, scores in zip(
            examples, checked_scores(model.name, examples, model.choice_scores(examples)), strict=True
        )
    ]


def _check_same(known: Sequence[str], examples: Sequence[Example], path: Path) -> None:
    for found, example in zip(known, examples, strict=True):
        if found != example.id:
            raise RunError(f"{path}: answers example {found} where the data set has {example.id}; delete the folder")


def _chunks(examples: Iterable[Example], size: int) -> Iterator[list[Example]]:
    iterator = iter(examples)
    while block := list(islice(iterator, size)):
        yield block


def _finish(path: Path, run: Path, asked: Sequence[str], total: int | None) -> None:
    """Write the table of all answers in the order asked, if they match exactly the examples asked, once each."""
    with path.open(encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    places = {id: place for place, id in enumerate(asked)}
    rows.sort(key=lambda row: places.get(row["id"], len(places)))
    _check_all(path, [row["id"] for row in rows], asked, total)
    predictions.write(run, rows)


def _check_all(path: Path, answered: Sequence[str], asked: Sequence[str], total: int | None) -> None:
    """Refuse answers that do not match exactly the examples asked, once each and in order."""
    again = "delete the run folder, and evaluate again"
    if total is not None and len(asked) != total:
        raise RunError(f"{path}: the data set gave {len(asked):,} examples of {total:,}; make it again, and {again}")
    if len(set(asked)) != len(asked):
        twice = next(id for id, count in Counter(asked).items() if count > 1)
        raise RunError(f"{path}: the data set has example {twice} more than once; make it again, and {again}")
    if answered != asked:
        at = next((at for at, ids in enumerate(zip_longest(answered, asked)) if ids[0] != ids[1]))
        found, wanted = (ids[at] if at < len(ids) else "nothing" for ids in (answered, asked))
        raise RunError(f"{path}: line {at + 1} answers {found} where {wanted} was asked; {again}")
