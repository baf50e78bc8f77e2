"""`ninefold captions review`: pairs judged by eye, on a local page."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg

from ninefold.cli import process
from ninefold.errors import RunError


@dataclass(frozen=True)
class Review:
    """A local page to judge a sample of pairs by eye; error rates by relation, and the agreement of several judges.

    The sample is drawn once, by relation, and is the same for all judges. Every verdict is saved at once; Ctrl-C ends
    the page, and the same command goes on. Only this computer can open the page, with the link that is printed.

    For example:
      ninefold captions review data/docci-pairs
      ninefold captions review data/docci-pairs --sample 100 --judge ann --port 8000
      ninefold captions review data/docci-pairs --summary
      ninefold captions review data/docci-pairs --export verdicts.csv
    """

    folder: Annotated[Positional[Path], arg(metavar="DIR")]
    """Data set of `ninefold captions run`; samples and verdicts are kept in its folder review/."""
    sample: str = "auto"
    """Number of pairs, or auto: the sample there is, or else as many as the formula for a finite population gives."""
    margin: float = 0.05
    """With --sample auto, the largest distance of the estimated error rate from the true one."""
    confidence: float = 0.95
    """With --sample auto, the probability that the distance is within the margin."""
    seed: int = 0
    """Seed of the sample."""
    port: int = 0
    """Port of the page; 0: any free one."""
    judge: str | None = None
    """Name of the judge; without one, the page asks."""
    open: Annotated[bool, FlagCreatePairsOff] = False
    """Open the page in a browser."""
    summary: Annotated[bool, FlagCreatePairsOff] = False
    """Print the rates and the agreement so far, without a page."""
    export: Path | None = None
    """CSV file to write all verdicts to, without a page."""

    def run(self) -> None:
        from ninefold.captions.review.review import Review as Reviewed
        from ninefold.captions.review.sample import SampleSpec
        from ninefold.captions.review.server import Page
        from ninefold.captions.review.text import export, sentences
        from ninefold.web.wording import quantity

        if self.summary or self.export is not None:
            review = Reviewed.existing(self.folder)
            if self.export is not None:
                export(self.export, review.csv())
                print(f"{self.export}: the verdicts of {quantity(len(review.judges()), 'judge')}")
            if self.summary:
                print("\n".join(sentences(review.summary())))
            return
        review = Reviewed.open(self.folder, SampleSpec(self._pairs(), self.margin, self.confidence, self.seed))
        page = Page.of(review, port=self.port, judge=self.judge or "")
        print(f"{len(review):,} pairs to judge; open {page.link}", flush=True)
        print("Ctrl-C ends the page; the same command goes on.", flush=True)
        if self.open:
            import webbrowser

            webbrowser.open(page.link)
        try:
            page.serve()
        except process.Terminated:
            raise
        except KeyboardInterrupt:
            print("\n".join(sentences(review.summary())))

    def _pairs(self) -> int | None:
        if self.sample == "auto":
            return None
        if not self.sample.isascii() or not self.sample.isdigit() or int(self.sample[:10]) < 1:
            raise RunError(f"--sample {self.sample}: must be auto, or a number of pairs from 1")
        return int(self.sample[:10])
