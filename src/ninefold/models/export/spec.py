"""Options of an adapter's export; the command line reads them, hence no heavy imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from ninefold.errors import DataError
from ninefold.models.family import Precision
from ninefold.specs import check_choices

AdapterForm = Literal["peft", "merged", "vllm"]
"""The form of an exported adapter."""


@dataclass(frozen=True)
class AdapterExportSpec:
    """An adapter, and the form that it is written in."""

    run: Annotated[Positional[Path], arg(metavar="RUN")]
    """Run of `ninefold train`, or the folder of a PEFT adapter."""
    to: AdapterForm
    """Form: "peft", a plain adapter folder of PEFT; "merged", a checkpoint of transformers with the adapter merged into
    its weights; "vllm", an adapter folder that vLLM serves, with the command that serves it."""
    model: str | None = None
    """Base of the adapter; by default the one that the run, or the adapter's folder, names."""
    data: Path | None = None
    """Data set whose examples the comparison uses; by default the paper's synthetic test set."""
    examples: int = 20
    """Number of examples on which the export is compared with the adapter on its base."""
    dtype: Precision = "auto"
    """Floating-point type of the comparison's forward pass; "auto": float32 on a CPU, the checkpoint's own on a GPU."""
    device: str = "auto"
    """A torch device, e.g. "cuda:1"; "auto" uses a GPU if there is one."""
    trust_remote_code: bool = False
    """Allow code in the base to run on this machine; only for checkpoints that you trust."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range."""
        check_choices(self)
        if self.examples < 1:
            raise DataError(f"--examples {self.examples}: at least one example must be compared")
