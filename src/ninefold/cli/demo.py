"""`ninefold demo`: the whole system in one command."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass(frozen=True)
class Demo:
    """The whole system at work: data sets made, a model evaluated, fine-tuned and evaluated again, a report.

    Needs no download and no GPU. After an interruption the same command resumes.

    For example:
      ninefold demo --out ninefold-demo
    """

    out: Path = Path("ninefold-demo")
    """Folder for all results; open report.html there."""
    model: str = "nano"
    """The model: another nano base, e.g. "nano-molmo", or any name that `ninefold models` lists."""

    def run(self) -> None:
        from ninefold.studies.demo import demo

        demo(self.out, model=self.model, tell=partial(print, flush=True))
