"""Checks of a model's output, before anything of it is stored: a user's own model may return anything."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan
from numbers import Real

from ninefold.errors import DataError, ModelError
from ninefold.types import Example, Prediction


def check_options(example: Example) -> None:
    """Refuse an example without options, of which none can be chosen.

    Raises:
        DataError: If it has none.
    """
    if not example.options:
        raise DataError(f"example {example.id}: has no options to choose from; use --scoring generate")


def checked_predictions(model: str, examples: Sequence[Example], output: object) -> list[Prediction]:
    """Return the predictions that a model gave for examples.

    Args:
        model: The model's name.
        examples: The examples.
        output: The result of its ``predict``.

    Raises:
        ModelError: If it is not one `Prediction` per example, in the order given, each with a text.
    """
    for prediction in _one_each(model, examples, output, "predictions"):
        if not isinstance(prediction, Prediction):
            raise ModelError(f"{model}: its predict returns {_kind(prediction)}; return objects of ninefold.Prediction")
        if not isinstance(prediction.text, str):
            raise ModelError(
                f"{model}: its text for example {prediction.id} is {_kind(prediction.text)}; return a string"
            )
    predictions: Sequence[Prediction] = output  # type: ignore[assignment]
    if [prediction.id for prediction in predictions] != [example.id for example in examples]:
        raise ModelError(f"{model}: its predictions must be one an example, in the order given")
    return [_storable(model, example, prediction) for example, prediction in zip(examples, predictions, strict=True)]


def checked_scores(model: str, examples: Sequence[Example], output: object) -> list[tuple[float, ...]]:
    """Return the scores that a model gave for the options of examples.

    Args:
        model: The model's name.
        examples: The examples.
        output: The result of its ``choice_scores``.

    Raises:
        ModelError: If it is not one number per option of each example.
    """
    given = zip(examples, _one_each(model, examples, output, "scores"), strict=True)
    return [_scores(model, example, scores) for example, scores in given]


def _one_each(model: str, examples: Sequence[Example], output: object, called: str) -> Sequence[object]:
    if not isinstance(output, list | tuple):
        raise ModelError(f"{model}: returns {_kind(output)} where a list of {called} is needed, one an example")
    if len(output) != len(examples):
        raise ModelError(
            f"{model}: returns {len(output):,} {called} for {len(examples):,} examples; its {called} must be one an "
            "example, in the order given"
        )
    return output


def _storable(model: str, example: Example, prediction: Prediction) -> Prediction:
    """Return a prediction in plain types; what is not Unicode in its text is replaced by U+FFFD."""
    return replace(
        prediction,
        text=_characters(prediction.text),
        refused=None if prediction.refused is None else _characters(str(prediction.refused)),
        truncated=bool(prediction.truncated),
        scores=None if prediction.scores is None else _scores(model, example, prediction.scores),
    )


def _characters(text: str) -> str:
    """Return a text in which a surrogate without its other half, which no file of UTF-8 can hold, is U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _scores(model: str, example: Example, scores: object) -> tuple[float, ...]:
    needed = f"one number per option is needed ({len(example.options)})"
    if not isinstance(scores, list | tuple):
        raise ModelError(f"{model}: its scores for example {example.id} are {_kind(scores)}; {needed}")
    if len(scores) != len(example.options) or any(not isinstance(score, Real) or isnan(score) for score in scores):
        raise ModelError(f"{model}: its scores for example {example.id} are {list(scores)!r}; {needed}")
    return tuple(map(float, scores))


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"
