"""`ninefold study`: many runs together, planned, carried out, watched and reported."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, Positional, arg, subcommand

from ninefold.console import warn
from ninefold.errors import RunError, printable

Recipe = Annotated[str, arg(metavar="RECIPE|FILE.py:FUNCTION")]


@dataclass(frozen=True)
class Plan:
    """The runs of a study, before anything runs: what is shared, time, disk, and the smallest detectable difference.

    For example:
      ninefold study plan nano
      ninefold study plan paper --set coco=/data/coco seeds=3
    """

    recipe: Positional[Recipe]
    """The recipe: paper, nano, collapse, clip, forgetting, mixtures, smoke or smoke-nano; or a function of your own."""
    out: Path | None = None
    """Folder of the study, if some of it is done already."""
    set: tuple[str, ...] = ()
    """Values of the recipe's parameters, such as coco=/data/coco or seeds=3."""

    def run(self) -> None:
        from ninefold.studies import estimate, recipes
        from ninefold.studies.check import check_form, faults

        study = recipes.find(self.recipe, _settings(self.set))
        check_form(study)
        out = self.out or Path(f"ninefold-{study.name}")
        print(estimate.text(study, out.resolve()))
        for fault in faults(study):
            warn(f"before it runs: {printable(fault)}")


@dataclass(frozen=True)
class Run:
    """A study, carried out: data sets, trainings, evaluations, probes, report. The same command goes on after any stop.

    For example:
      ninefold study run smoke-nano --out studies/smoke-nano
      ninefold study run paper --set coco=/data/coco --out studies/paper
      ninefold study run my_study.py:mine --out studies/mine --jobs 2
      ninefold study run paper --out /shared/paper --cluster auto
    """

    recipe: Positional[Recipe]
    """The recipe: paper, nano, collapse, clip, forgetting, mixtures, smoke or smoke-nano; or a function of your own."""
    out: Path
    """Folder of the study."""
    jobs: int = 1
    """Number of runs side by side on this machine, which share its cores, its memory and its GPUs."""
    cluster: str | None = None
    """Address of a Ray cluster whose machines share the runs, or "auto" for the one that this machine belongs to; all
    must see --out under the same path (docs/studies.md)."""
    set: tuple[str, ...] = ()
    """Values of the recipe's parameters, such as coco=/data/coco or seeds=3."""

    def run(self) -> None:
        from ninefold import api

        result = api.run_study(
            self.recipe, self.out, jobs=self.jobs, cluster=self.cluster, settings=_settings(self.set)
        )
        print(f"{self.out}: {len(result.done)} done; open {self.out / 'report.html'} in a browser")
        if result.failed:
            for failure in result.failed.values():
                print(f"failed: {failure.name}: {failure.reason}")
            raise RunError(
                f"{self.out}: {len(result.failed)} of {result.total} tasks failed; mend the causes above, then repeat"
            )


@dataclass(frozen=True)
class Status:
    """The state of a study's runs, as a table; on a terminal it follows them until all have ended."""

    folder: Positional[Path]
    """Folder of the study."""

    def run(self) -> None:
        from ninefold.studies import status

        status.follow(self.folder)


@dataclass(frozen=True)
class Report:
    """The report of a study, with tables and figures, from the files of its folder alone, finished or not."""

    folder: Positional[Path]
    """Folder of the study."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace a page, table or figure that was edited."""

    def run(self) -> None:
        from ninefold import api

        api.report_study(self.folder, overwrite=self.overwrite)
        print(f"{self.folder / 'report.html'}, with tables/ and figures/ beside it")


def _settings(given: tuple[str, ...]) -> dict[str, str]:
    """Return the values of ``--set`` by parameter.

    Raises:
        RunError: If one is not of the form NAME=VALUE.
    """
    found: dict[str, str] = {}
    for setting in given:
        name, separator, value = setting.partition("=")
        if not separator:
            raise RunError(f"--set {setting}: give NAME=VALUE, such as seeds=3")
        if name in found:
            raise RunError(f"--set {name}: is given twice, {found[name]!r} and {value!r}")
        found[name] = value
    return found


def names() -> tuple[str, ...]:
    """Return the names of its commands."""
    return ("plan", "run", "status", "report")


@dataclass(frozen=True)
class Study:
    """Studies: models x training sets x seeds x tests, planned, carried out, watched and reported.

    A study is a recipe of ninefold, or a function of your own file that returns a `ninefold.Study`.
    """

    command: (
        Annotated[Plan, subcommand("plan")]
        | Annotated[Run, subcommand("run")]
        | Annotated[Status, subcommand("status")]
        | Annotated[Report, subcommand("report")]
    )

    def run(self) -> None:
        self.command.run()
