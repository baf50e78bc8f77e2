"""The check of a study before anything runs: all of its faults at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from ninefold import console
from ninefold.captions.spec import CaptionsSpec
from ninefold.data.format.dataset import Dataset
from ninefold.data.sources.catalog import source_of
from ninefold.data.sources.protocol import SPLITS_OF, split_names
from ninefold.errors import NinefoldError, RunError, printable
from ninefold.evaluation.spec import EvaluateSpec
from ninefold.models import identity
from ninefold.models.load import check_trainable
from ninefold.models.registry import REGISTERED
from ninefold.models.spec import ModelSpec
from ninefold.runs.shape import hints_of, misfit
from ninefold.studies.description import Photos, Study
from ninefold.studies.plan import evaluate_spec, files_of, plan, train_spec
from ninefold.studies.well_formed import misnamed, mistyped, type_name
from ninefold.training.spec import TrainSpec


def check(study: Study) -> None:
    """Refuse a study that cannot be carried out; each of its faults is told in a line of its own.

    Raises:
        RunError: If it has faults; the message holds the only one, or how many there are.
    """
    _refuse(study, faults(study))


def check_form(study: Study) -> None:
    """Refuse a study that cannot be planned, whether or not what it names is there.

    Raises:
        RunError: If its description has faults; see `check`.
    """
    _refuse(study, mistyped(study) or [*misnamed(study), *_unknown_options(study)])


def _refuse(study: Study, found: Sequence[str]) -> None:
    where = f"study {study.name}"
    if len(found) == 1:
        raise RunError(f"{where}: {found[0]}; nothing was run")
    for fault in found:
        console.warn(f"{where}: {printable(fault)}")
    if found:
        raise RunError(f"{where}: the {len(found)} faults above; nothing was run")


def faults(study: Study) -> list[str]:
    """Return all faults of a study, in one line each."""
    return list(dict.fromkeys(_faults(study)))


def _faults(study: Study) -> Iterator[str]:
    wrong = mistyped(study)
    if not wrong:
        wrong = [*misnamed(study), *_named_parts(study)]
    yield from wrong
    if not wrong:
        # Whatever else a source or an option of a user's own makes impossible.
        yield from _said("plan", partial(plan, study, Path("study")))


def _named_parts(study: Study) -> Iterator[str]:
    """Yield what sources, options, models and figures cannot be used."""
    for test in study.tests:
        where = f"test {test.name}"
        yield from _said(where, partial(_check_source, test.source, _split(test.options)))
        wrong = list(_options(where, test.options, EvaluateSpec))
        yield from wrong or _said(where, partial(evaluate_spec, ModelSpec("nano"), test, Path("data")))
    for condition in study.conditions:
        where = f"condition {condition.name}"
        if not condition.sources:
            yield f"{where}: names no source of examples"
        for source in condition.sources:
            yield from _said(where, partial(_check_source, source, *_splits(condition.options)))
        yield from _options(where, condition.options, TrainSpec)
    for model in study.models:
        where = f"model {model.title}"
        yield from _said(where, partial(_check_model, model.model))
        yield from _options(where, model.options, TrainSpec)
        trained = [each for each in study.conditions if model.conditions is None or each.name in model.conditions]
        if trained:
            yield from _said(where, partial(check_trainable, model.model.name))
        for condition in trained:
            options = (*_options("", model.options, TrainSpec), *_options("", condition.options, TrainSpec))
            if options or model.model.adapter is not None:
                continue  # Told already.
            data = tuple(Path(f"data-{number}") for number in range(len(condition.sources))) or (Path("data"),)
            yield from _said(f"condition {condition.name}", partial(train_spec, model, condition, 0, data))
    yield from _figures(study)


def _unknown_options(study: Study) -> Iterator[str]:
    """Yield the options of tests, conditions and models that there are not, or whose value is of another type."""
    for test in study.tests:
        yield from _options(f"test {test.name}", test.options, EvaluateSpec)
    for condition in study.conditions:
        yield from _options(f"condition {condition.name}", condition.options, TrainSpec)
    for model in study.models:
        yield from _options(f"model {model.title}", model.options, TrainSpec)


def _options(where: str, options: Mapping[str, Any], spec_type: type) -> Iterator[str]:
    """Yield the options that there are not, that the study sets itself, or whose value is of another type."""
    hints = hints_of(spec_type)
    for name, value in options.items():
        if name not in hints:
            near = get_close_matches(str(name), hints, 1)
            yield f"{where}: there is no option {name!r}" + (f" (did you mean {near[0]!r}?)" if near else "")
        elif name in {"model", "data", "seed"}:
            yield f"{where}: option {name}: the study sets it"
        elif misfit(value, hints[name]) is not None:
            yield f"{where}: option {name}: {value!r:.60} is no {type_name(hints[name])}"


def _figures(study: Study) -> Iterator[str]:
    if study.figures:
        # Imported here: the libraries that draw take half a second.
        from ninefold.report.study.further_figures import NAMES

        yield from (f"figure {name!r}: there are {', '.join(NAMES)}" for name in study.figures if name not in NAMES)


def _split(options: Mapping[str, Any]) -> str:
    return str(options.get("split") or "test")


def _splits(options: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(options.get(f"{name}_split", name)) for name in ("train", "validation"))


def _check_source(source: Any, *splits: str) -> None:
    """Refuse a source whose files are not there, or that has no such splits."""
    if isinstance(source, Path):
        data = Dataset.open(source)
        for split in splits:
            data.choose_split(split)
        return
    spec = source.spec(Path()) if isinstance(source, Photos) else source
    made = spec if isinstance(spec, CaptionsSpec) else source_of(spec)
    if not isinstance(source, Photos) and (missing := [path for path in files_of(spec) if not path.exists()]):
        raise RunError(f"{missing[0]}: no such file or folder; the study reads it")
    # Some sources tell their splits only when they are read, which may take minutes.
    there = SPLITS_OF["train"] if isinstance(made, CaptionsSpec) else split_names(made)
    if there is not None and (absent := [split for split in splits if split not in there]):
        raise RunError(f"its source makes {' and '.join(there)}, and no split {absent[0]!r}")


def _check_model(model: ModelSpec) -> None:
    if model.adapter is not None:
        raise RunError(f"{model.adapter}: a study begins with bases; name the model without an adapter")
    if model.name not in REGISTERED:
        identity.resolve(model)


def _said(where: str, work: Callable[[], object]) -> Iterator[str]:
    """Yield what is wrong with a part of a study, if its check raises an error."""
    try:
        work()
    except NinefoldError as error:
        yield f"{where}: {error}"
    except (TypeError, ValueError, AttributeError) as error:
        # A description is a user's Python: an option may not exist, a value be of any type.
        yield f"{where}: {type(error).__name__}: {error}"
