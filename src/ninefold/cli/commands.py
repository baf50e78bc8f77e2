"""The commands of `ninefold`, one a line; the module of a command is imported when the command is named."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Command:
    """A command, known without its module."""

    module: str
    """The module of this room that it stands in."""
    maker: str
    """Name of its class there, or of a function without arguments that returns the class."""
    summary: str
    """The first paragraph of its help."""

    def type(self) -> Any:
        """Return its class, an instance of which is a command with its options and has `run()`."""
        made = getattr(self._module(), self.maker)
        return made if isinstance(made, type) else made()

    def names(self) -> tuple[str, ...]:
        """Return the names of its subcommands."""
        names = getattr(self._module(), "names", None)
        return names() if names else ()

    def _module(self) -> Any:
        return import_module(f"ninefold.cli.{self.module}")


COMMANDS = {
    "demo": Command(
        "demo",
        "Demo",
        "The whole system at work: data sets made, a model evaluated, fine-tuned and evaluated again, a report.",
    ),
    "data": Command("data", "group", "Data sets of images and questions: made from a source, verified, and compared."),
    "train": Command(
        "train",
        "Train",
        "Fine-tuning of a model on data sets, with LoRA or of all weights. "
        "After an interruption the same command resumes.",
    ),
    "evaluate": Command(
        "evaluate",
        "Evaluate",
        "A model's answers to every question of a data set, and their accuracy. "
        "An interrupted command can be repeated.",
    ),
    "score": Command(
        "evaluate", "Score", "Scores of stored predictions, computed again without the model or the data."
    ),
    "probe": Command(
        "probe",
        "Probe",
        "Layer-wise probes: how well a linear classifier reads the answers from a model's hidden states.",
    ),
    "report": Command(
        "report",
        "Report",
        "One self-contained HTML page of evaluation and training runs, with each base beside its tuned models.",
    ),
    "export": Command(
        "export",
        "Export",
        "A data set in the form that another trainer or evaluator reads, with a README.md that says how.",
    ),
    "export-adapter": Command(
        "export_adapter",
        "ExportAdapter",
        "An adapter as PEFT, transformers (merged) or vLLM reads it; compared with the adapter on its base, "
        "or refused.",
    ),
    "captions": Command(
        "captions",
        "Captions",
        "Captions of images, made into checked spatial question-answer pairs to train on (SpaRE, arXiv 2504.20648).",
    ),
    "study": Command(
        "study",
        "Study",
        "Studies: models x training sets x seeds x tests, planned, carried out, watched and reported.",
    ),
    "models": Command("models", "Models", "The names that --model takes, with descriptions and requirements."),
    "nano": Command(
        "nano",
        "Nano",
        "The embedded nano bases: the world of images they are trained on, and their pretraining.",
    ),
}
"""The commands by name, in the order of the help."""
