"""`ninefold probe`: linear probes of a model's layers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, arg

from ninefold import api
from ninefold.evaluation.probing.spec import ProbeSpec
from ninefold.web.wording import percent, quantity


@dataclass(frozen=True)
class Probe:
    """Layer-wise probes: how well a linear classifier reads the answers from a model's hidden states.

    At every layer of the language model, the hidden state of each prompt's last token is stored, and linear
    support-vector machines (C = 1) predict the answers in a cross-validation, as in the paper (section 5.B). Before and
    after fine-tuning, they show at which layers positions are known. An interrupted command can be repeated.

    For example:
      ninefold probe --model nano --data data/test --out runs/probes-base
      ninefold probe --model nano --adapter runs/tuning --data data/test --out runs/probes-tuned
    """

    spec: Annotated[ProbeSpec, arg(name="")]
    out: Path
    """Run folder: `probes.csv` (columns layer, fold, accuracy), and metrics by layer."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace probes with other settings there; anything else is never replaced."""

    def run(self) -> None:
        metrics = api.probe(self.spec, self.out, overwrite=self.overwrite)
        best = max(metrics["by_layer"], key=lambda row: row["accuracy"])
        print(
            f"{self.out}: accuracy {percent(best['accuracy'], 1)} at layer {best['layer']} of "
            f"{len(metrics['by_layer'])}, {percent(metrics['by_layer'][-1]['accuracy'], 1)} at the last, on "
            f"{quantity(metrics['n'], 'example')}; the most frequent answer alone: "
            f"{percent(metrics['most_frequent'], 1)}"
        )
