"""The functions of ``import ninefold`` for captions. Paths may be strings; each function imports when it is called."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.specs import AnyPath, with_paths

if TYPE_CHECKING:
    from ninefold.captions.counts import Counts
    from ninefold.captions.geometry.summary import Summary
    from ninefold.captions.spec import CaptionsSpec


def run_captions(
    spec: "CaptionsSpec",
    out: AnyPath,
    *,
    split: str = "train",
    validation_share: float = 0.05,
    limit: int | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    embed: bool = False,
    retry_failed: bool = False,
    overwrite: bool = False,
) -> "Counts":
    """Make checked spatial question-answer pairs from captions, as a data set; an interrupted run goes on.

    Args:
        spec: The captions, the engine and the checks.
        out: The folder to write the data set to.
        split: Name of the split.
        validation_share: Share of the images whose pairs are held out of the split "train", as "validation".
        limit: Number of captions to take, from the first on; None for all.
        jobs: Number of processes on this machine, for an engine of rules.
        cluster: Address of a Ray cluster for an engine ``ray:MODEL``, or "auto" for the one that this machine belongs
            to; by default RAY_ADDRESS, or else this machine alone.
        embed: Whether images are copied into the data set; otherwise it holds their paths.
        retry_failed: Whether captions that failed before are asked about again; good answers are not paid again.
        overwrite: Whether a data set of other settings is replaced there; nothing else ever is.

    Returns:
        The numbers of captions and pairs at each step, as in ``counts.json``.

    Raises:
        NinefoldError: If the captions or the engine cannot be used, no pair is left, or ``out`` holds something else.
    """
    from ninefold.captions.run import run

    return run(
        with_paths(spec),
        Path(out),
        split=split,
        validation_share=validation_share,
        limit=limit,
        jobs=jobs,
        cluster=cluster,
        embed=embed,
        retry_failed=retry_failed,
        overwrite=overwrite,
        progress=True,
    )


def merge_captions(shards: "Iterable[AnyPath]", out: AnyPath, *, overwrite: bool = False) -> "Counts":
    """Join the shards of a run over captions to one data set, that of the run without shards in the shards' order.

    Args:
        shards: The folders of all shards ``i/n`` of one run.
        out: The folder to write the data set to.
        overwrite: Whether a data set of other settings is replaced there; nothing else ever is.

    Returns:
        The sums of the shards' counts.

    Raises:
        DataError: If a shard is missing, two have different settings, or ``out`` holds something else.
    """
    from ninefold.captions.merge import merge

    return merge([Path(shard) for shard in shards], Path(out), overwrite=overwrite, progress=True)


def check_geometry(folder: AnyPath, captions: AnyPath, *, id_field: str | None = None) -> "Summary":
    """Test the facts of a folder of pairs against labelled boxes, and write ``geometry.json`` and ``geometry.parquet``.

    Args:
        folder: A folder that `run_captions` wrote.
        captions: The file of the captions, with a field ``objects``.
        id_field: The field of the ids that the pairs were made with; by default it is found.

    Returns:
        The numbers of facts confirmed, contradicted, undecided and without a unique box; ``lines()`` is a table.

    Raises:
        DataError: If the folder is none of pairs, or the file has no boxes or none of its captions.
    """
    from ninefold.captions.geometry.run import check_geometry

    return check_geometry(Path(folder), Path(captions), id_field=id_field)
