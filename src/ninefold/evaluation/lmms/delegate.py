"""An evaluation on a benchmark of lmms-eval, which runs as a child process with our model in it."""

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ninefold import console, plugins, store
from ninefold.errors import DesignError, RunError
from ninefold.evaluation.benchmark import drop
from ninefold.evaluation.lmms import table
from ninefold.evaluation.lmms.data import hashes, revision
from ninefold.evaluation.lmms.kit import Kit, find
from ninefold.evaluation.lmms.known import KNOWN
from ninefold.evaluation.lmms.layout import ANSWERS, LOG, OUTPUT, RESULTS
from ninefold.evaluation.resolve import resolve_lineage
from ninefold.evaluation.spec import DELEGATED, EvaluateSpec
from ninefold.models import identity
from ninefold.runs import layout
from ninefold.runs.folder import is_finished
from ninefold.runs.lock import tidy, working
from ninefold.runs.records import EvaluatedData, EvaluationSpec, Provenance
from ninefold.specs import option

_DECIDED = ("scoring", "orders", "split", "max_new_tokens", "allow_missing")
"""Options that a task of lmms-eval has settings of its own for."""


def delegate(spec: EvaluateSpec, out: Path, *, overwrite: bool = False, progress: bool = True) -> dict[str, Any]:
    """Evaluate a model on a benchmark of lmms-eval; an interrupted run resumes, a finished one is left unchanged.

    Args:
        spec: The model, ``lmms:`` and the name of a task, and the interpreter of lmms-eval's environment.
        out: The run folder. What lmms-eval leaves is in ``lmms/``.
        overwrite: Whether an evaluation of another specification is replaced in ``out``.
        progress: Whether to show a progress bar.

    Returns:
        The content of ``metrics.json``; the kit's figures are under ``benchmark``.

    Raises:
        DesignError: If an option is given that the task decides.
        ModelError: If there is no such model or adapter.
        RunError: If lmms-eval is not there or fails, or ``out`` belongs to another specification.
    """
    from ninefold.evaluation.evaluate import scored

    task = str(spec.benchmark).removeprefix(DELEGATED)
    _check(spec, task)
    assert spec.lmms_python is not None
    kit = find(spec.lmms_python)
    found = _resolve(spec, task, kit).to_json()
    if is_finished(out, found):
        tidy(out)
        _check_data(out, task, spec.benchmark_dir)
        return scored(out)
    lineage = resolve_lineage(spec)
    with working(out, found, overwrite=overwrite) as unfinished:
        if unfinished:
            drop(out)
            _run(spec, task, kit, out, progress=progress)
            from ninefold.evaluation.score import score

            score(out)
            facts = {"model": spec.model.name, "adapter": _text(spec.model.adapter), "lmms_python": str(kit.python)}
            Provenance.of_this_process(data=None, **facts, **lineage).write(out)
    return scored(out)


def _check(spec: EvaluateSpec, task: str) -> None:
    """Refuse options that mean nothing for a task of lmms-eval, and values that its command line cannot hold."""
    if not re.fullmatch(r"[\w.+-]+", task):
        raise DesignError(f"--benchmark {spec.benchmark}: name one task of lmms-eval, as `lmms-eval tasks list` has it")
    for name in _DECIDED:
        if getattr(spec, name) != getattr(EvaluateSpec, name):
            raise DesignError(f"{option(name)}: lmms-eval's task {task} decides that; leave it out")
    if task in KNOWN and KNOWN[task].even and (spec.limit or 0) % 2:
        raise DesignError(
            f"--limit {spec.limit}: {KNOWN[task].title} asks two questions about each image; give an even number"
        )
    for path in (spec.model.name, spec.model.adapter, spec.benchmark_dir, *plugins.LOADED):
        if path is not None and set(",='\"{}") & set(str(path)):
            raise DesignError(
                f"{path}: lmms-eval's command line takes no name with a comma, =, quote or brace; rename it"
            )


def _check_data(out: Path, task: str, folder: Path | None) -> None:
    """Refuse a finished run whose data in a folder have changed since."""
    if folder is None or not (out / RESULTS).exists():
        return
    found = store.read_json(out / RESULTS, finite=False)
    recorded = str(found.get("data_revision"))
    data = found.get("configs", {}).get(task, {}).get("dataset_path")
    if recorded.startswith("files ") and revision(data, folder) != recorded:
        raise RunError(f"{out}: is of other data than {folder} holds now; choose another --out, or delete the run")


def _resolve(spec: EvaluateSpec, task: str, kit: Kit) -> EvaluationSpec:
    """Return everything that changes the outcome of the evaluation."""
    model = identity.resolve(spec.model)
    if model is None:
        from ninefold.models.load import open_model

        opened = open_model(spec.model)
        model = {"name": opened.name, **opened.identity}
    known = KNOWN.get(task)
    record: dict[str, str | int] = {
        "name": str(spec.benchmark),
        "title": task if known is None else known.title,
        "source": "lmms-eval",
        "task": task,
        "kit": "lmms-eval",
        "kit_version": kit.version,
    }
    fingerprint = store.content_id([record, [] if spec.benchmark_dir is None else _tasks(spec.benchmark_dir)])
    data = EvaluatedData(str(spec.benchmark), "test", fingerprint, spec.limit, benchmark=record)
    # The task decides the number of tokens.
    return EvaluationSpec(model, data, max_new_tokens=0)


def _tasks(folder: Path) -> list[tuple[str, str]]:
    """Return the files of a folder that holds tasks of its own, with their hashes; none of one with data sets alone."""
    if not folder.is_dir():
        raise RunError(f"--benchmark-dir {folder}: no such folder; name one with tasks or data sets, or leave it out")
    return hashes(folder) if any(folder.glob("*.yaml")) else []


def _run(spec: EvaluateSpec, task: str, kit: Kit, out: Path, *, progress: bool) -> None:
    """Let lmms-eval ask and score, and write the table of predictions."""
    folder = out.resolve()
    (folder / layout.LMMS).mkdir(exist_ok=True)
    # What an interrupted attempt logged is logged again; its answers are kept.
    shutil.rmtree(folder / OUTPUT, ignore_errors=True)
    console.milestone(f"lmms-eval {kit.version} runs {task}; all it prints is in {out / LOG}")
    with console.progress(shown=progress) as bar:
        shown = bar.add_task(task, total=None)
        kit.run(
            _arguments(spec, task, folder),
            # A data set by its hub name is taken from the working directory, if it is there.
            folder / layout.LMMS if spec.benchmark_dir is None else spec.benchmark_dir.resolve(),
            folder / LOG,
            told=lambda done, total: bar.update(shown, completed=done, total=total),
        )
    results = sorted((folder / OUTPUT).rglob("[0-9]*_[0-9]*_results.json"))
    if not results:
        raise RunError(f"{out}: lmms-eval ended without results; all it printed is in {out / LOG}")
    found = store.read_json(results[-1], finite=False)
    config = found.get("configs", {}).get(task, {})
    store.write_json(
        folder / RESULTS, {**found, "data_revision": revision(config.get("dataset_path"), spec.benchmark_dir)}
    )
    table.write(folder, task)


def _arguments(spec: EvaluateSpec, task: str, run: Path) -> list[str]:
    """Return the arguments of lmms-eval; it runs in another folder, so that paths are absolute."""
    model = spec.model
    name = Path(model.name)
    told: Mapping[str, str | None] = {
        "pretrained": str(name.resolve()) if name.exists() else model.name,
        "adapter": _text(model.adapter),
        "dtype": model.dtype,
        "device": None if model.device == "auto" else model.device,
        "trust_remote_code": "True" if model.trust_remote_code else None,
        "plugin": os.pathsep.join(str(plugin) for plugin in plugins.LOADED) or None,
        "several_images": "skip",
        "answers": str(run / ANSWERS),
    }
    arguments = [
        *("--model", "ninefold", "--model_args", ",".join(f"{key}={value}" for key, value in told.items() if value)),
        *("--tasks", task, "--batch_size", "1", "--output_path", str(run / OUTPUT), "--log_samples"),
    ]
    if spec.limit is not None:
        arguments += ["--limit", str(spec.limit)]
    if spec.benchmark_dir is not None and _tasks(spec.benchmark_dir):
        arguments += ["--include_path", str(spec.benchmark_dir.resolve())]
    if task in KNOWN and KNOWN[task].needs_judge:
        arguments += ["--predict_only"]
    return arguments


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path.resolve())
