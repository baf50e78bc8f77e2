"""The README of a run folder: what each file is, and the command that began the run."""

from pathlib import Path

from ninefold import store
from ninefold.runs import layout
from ninefold.runs.records import command_line

_FILES = {
    "evaluation": {
        layout.METRICS: "accuracies with 95 % intervals, overall and by position, and counts of invalid answers",
        layout.PREDICTIONS: "the model's exact answers, with the questions",
        layout.SCORES: "for each question, the label read from the answer, whether it is right, and the factors",
        layout.SEES: "the sizes at which the model saw the images",
        f"{layout.BENCHMARK}/": "the questions of a public benchmark, if one was asked; its images stay elsewhere",
        f"{layout.LMMS}/": "what lmms-eval left: answers, results, samples, log; only where it ran",
        layout.REQUESTS: "what a server refused of the requests, and what became of it; only where there is any",
        layout.PREDICTIONS_LINES: "while the run goes on: the answers so far",
    },
    "probe": {
        layout.PROBES: "the accuracy of each layer's probe (from 1; the last is after the final norm) on each fold",
        layout.METRICS: "mean and standard deviation over the folds, by layer",
        f"{layout.STATES}/": "hidden states of each prompt's last token; removed at the end unless kept",
    },
    "training": {
        f"{layout.ADAPTER}/": "the LoRA adapter of the best epoch, in PEFT's format",
        f"{layout.MODEL}/": "the checkpoint of the best epoch, if all weights were trained",
        layout.METRICS: "the best epoch and its losses",
        layout.HISTORY: "losses by epoch",
        layout.SEES: "the sizes at which the model saw the images",
        f"{layout.CHECKPOINTS}/": "while the run goes on: the state to resume from",
    },
    "pretraining": {
        f"{layout.BASE}/": "the finished nano base",
        layout.PRETRAINING_LOG: "losses, one line per 25 steps",
        layout.PRETRAINING_STATE: "the state to resume from",
    },
}
_ALL = {
    layout.SPEC: "everything that changes the outcome, and the run's id, which is a hash of it",
    layout.STATUS: "the state: running, interrupted, done, or failed and why; after a kill it is still running",
    layout.PROVENANCE: "when the run is done: command, versions, machine and times",
}
_NEXT = {
    "evaluation": "`ninefold report DIR ...` shows the results of runs; `ninefold score DIR` scores the answers again.",
    "probe": "`probes.csv` before and after fine-tuning shows at which layers positions became readable.",
    "training": "`ninefold evaluate --model MODEL --adapter DIR ...` measures the tuned model.",
    "pretraining": f"`ninefold evaluate --model DIR/{layout.BASE} ...` measures the base.",
}


def write(folder: Path, kind: str) -> None:
    """Write the README of a run that begins now; ``kind`` is that of its specification."""
    kind = kind if kind in _FILES else "pretraining"
    files = {**_FILES[kind], **_ALL}
    text = (
        f"# A run of ninefold: {kind}",
        f"    {command_line()}",
        "The same command goes on after an interruption, and leaves a finished run as it is.",
        "\n".join(("| file | what it holds |", "| --- | --- |", *(f"| `{name}` | {files[name]} |" for name in files))),
        _NEXT[kind],
    )
    store.write_text(folder / layout.README, "\n\n".join(text) + "\n")
