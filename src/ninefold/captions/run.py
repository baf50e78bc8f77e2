"""The run over captions: read, filtered, made into pairs, checked, and written as a data set."""

from pathlib import Path

from ninefold.captions.counts import Counts
from ninefold.captions.spec import CaptionsSpec


def run(
    spec: CaptionsSpec,
    out: Path,
    *,
    split: str = "train",
    limit: int | None = None,
    jobs: int = 1,
    embed: bool = False,
    retry_failed: bool = False,
    overwrite: bool = False,
    progress: bool = False,
) -> Counts:
    """Make a data set of pairs from captions (see `ninefold.run_captions`)."""
    raise NotImplementedError
