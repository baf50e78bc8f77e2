"""What a run over a data set's examples reads, an evaluation as well as a probe: the rows, and the opened model."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ninefold import console
from ninefold.data.format.dataset import TEST, Dataset
from ninefold.evaluation.drawn import holds_drawn
from ninefold.evaluation.resolve import Questions
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models.compute.device import peak_memory, used_device
from ninefold.models.endpoint import address
from ninefold.types import Example

if TYPE_CHECKING:
    from ninefold.models.protocol import Model


def some(folder: Path | None, count: int) -> list[Example]:
    """Return some examples to compare models on, spread evenly over the answers.

    Args:
        folder: A data set; by default the paper's synthetic test set, drawn here.
        count: Their number, or fewer if there are not so many.

    Raises:
        DataError: If the data set cannot be read.
    """
    if folder is not None:
        data = Dataset.open(folder)
        split = data.choose_split(None if TEST in data.splits else next(iter(data.splits)))
        return list(data.read(split, limit=min(count, data.splits[split])))
    from ninefold.data.sources.synthetic import SyntheticSpec, examples
    from ninefold.design import spread

    drawn = list(examples(SyntheticSpec(split="test"))[TEST])
    return [drawn[index] for index in spread([example.answer for example in drawn], min(count, len(drawn)))]


def is_served(spec: EvaluateSpec) -> bool:
    """Whether the model answers elsewhere: on a server, or in a batch."""
    return address.is_elsewhere(spec.model.name)


def rows_of(spec: EvaluateSpec, questions: Questions) -> Iterator[Example]:
    """Return the examples to ask, after all rows of the split are checked.

    Raises:
        DataError: If the data set cannot be read, or its questions cannot be asked in all orders.
    """
    questions.data.check_images(questions.split)
    rows = stored(spec, questions)
    if questions.orders is None:
        return rows
    questions.orders.check(questions.data, questions.split)
    return questions.orders.asked(rows)


def stored(spec: EvaluateSpec, questions: Questions) -> Iterator[Example]:
    """Return the examples as the data set has them, after all rows of the split are checked."""
    return questions.data.read(questions.split, limit=questions.limit, trust_pixels=spec.trust_data)


def opened(spec: EvaluateSpec, model: "Model | None" = None) -> "Model":
    """Return the opened model; refuse an adapter that was trained with other image settings.

    Raises:
        ModelError: If the model cannot be opened, or prepares images differently from its adapter's training.
    """
    from ninefold.models.image_inputs import check_agreement
    from ninefold.models.load import open_model

    model = model or open_model(spec.model)
    if spec.model.adapter is not None:
        check_agreement(spec.model.adapter, model.image_settings)
    return model


def warn_of_photos(spec: EvaluateSpec, questions: Questions, model: Mapping[str, object]) -> None:
    """Warn that no result means anything, if a nano model is about to be asked about photos.

    Args:
        spec: The model and the data set.
        questions: The examples to ask.
        model: Identity of the model.
    """
    if model.get("nano") and not holds_drawn(questions.data, questions.split):
        console.warn(f"{spec.folder}: holds photos. Nano models read drawn pictures only: no result means anything.")


def facts_of(spec: EvaluateSpec) -> dict[str, Any]:
    """Return the facts of a run's inputs that its provenance records: paths, names, device, peak memory in MiB."""
    model = spec.model
    return {
        "data": str(spec.folder.resolve()),
        "model": model.name,
        "adapter": str(model.adapter.resolve()) if model.adapter else None,
        "device": None if is_served(spec) else used_device(model.device),
        "fast": asdict(model.shortcuts),
        "peak_memory_mib": peak_memory(),
    }
