"""Options of an evaluation; the command line reads them, hence no heavy imports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ninefold.data.format.dataset import TEST
from ninefold.data.sources.benchmarks.catalog import BENCHMARKS, find_benchmark
from ninefold.errors import DataError, DesignError
from ninefold.models.spec import ModelSpec
from ninefold.specs import check_choices, folder_of

DELEGATED = "lmms:"
"""Beginning of the names of benchmarks that lmms-eval runs."""


@dataclass(frozen=True)
class EvaluateSpec:
    """A model, the questions to answer, and the method of answering."""

    model: ModelSpec
    """The model and its options."""
    data: Path | None = None
    """Folder of the data set; or name a public benchmark with --benchmark."""
    benchmark: str | None = None
    """Public benchmark to ask instead of a data set: vsr-zeroshot, vsr-random, whatsup-a, whatsup-b, 3dsrbench,
    realworldqa, vsr-zeroshot-yes-no or vsr-random-yes-no, or one that lmms-eval runs, such as lmms:mme."""
    benchmark_dir: Path | None = None
    """Folder of the benchmark's official files and images."""
    allow_missing: bool = False
    """Leave out the benchmark's questions whose image is not there; the results then say how many."""
    lmms_python: Path | None = None
    """With --benchmark lmms:NAME, the Python interpreter of the environment that lmms-eval is installed in."""
    parent: str | None = None
    """The base that a full checkpoint or a served model was tuned from, as a run of it or a name for --model; the
    report then compares the two. Not needed for adapters and models made by `ninefold train`: their base is known."""
    split: str | None = None
    """The split to evaluate; by default "test", if the data set has one."""
    limit: int | None = None
    """Number of examples, spread evenly over the answers; by default all."""
    scoring: Literal["generate", "choice"] = "generate"
    """Method of answering: "generate" decodes text greedily, as in the paper; "choice" computes the log-probability
    of each option and takes the most likely one."""
    orders: Literal["as-made", "all"] = "as-made"
    """Orders of the options: those that the data set was made with, or "all": each question is asked once in every
    order of a balanced design (18 of nine labels), and the metrics say how far answers depend on the order."""
    max_new_tokens: int = 15
    """Maximum number of tokens of a generated answer; a longer one is cut off, and invalid without a label."""
    trust_data: bool = False
    """Do not compare each decoded image with the data set's manifest; all else is compared in any case."""

    def __post_init__(self) -> None:
        """Refuse values that are no choice or out of range. A model may be its name, and the data an open data set."""
        check_choices(self)
        if self.max_new_tokens < 1:
            raise DesignError(f"--max-new-tokens {self.max_new_tokens}: at least one token must be generated")
        if self.limit is not None and self.limit < 1:
            raise DataError(f"--limit {self.limit}: at least one example must be asked")
        object.__setattr__(self, "model", ModelSpec.of(self.model))
        if self.data is not None:
            object.__setattr__(self, "data", folder_of(self.data))
        self._check_asked()

    @property
    def delegated(self) -> bool:
        """Whether lmms-eval runs the benchmark."""
        return self.benchmark is not None and self.benchmark.startswith(DELEGATED)

    @property
    def folder(self) -> Path:
        """Folder of the data set, which a benchmark has once it is made.

        Raises:
            DesignError: If it is not made yet.
        """
        if self.data is None:
            raise DesignError(f"--benchmark {self.benchmark}: has no data set yet; `ninefold evaluate` makes it")
        return self.data

    def _check_asked(self) -> None:
        """Refuse anything but one data set or one benchmark, with the options that belong to it.

        Raises:
            DesignError: If there is none, or both, or an option that the other one has.
        """
        if (self.data is None) is (self.benchmark is None):
            both = "" if self.data is None else ", and not both"
            raise DesignError(
                f"name the questions with --data FOLDER, or with --benchmark NAME ({', '.join(BENCHMARKS)}, lmms:...)"
                + both
            )
        if self.delegated:
            if self.lmms_python is None:
                raise DesignError(
                    f"--benchmark {self.benchmark}: lmms-eval runs it; name its interpreter with --lmms-python PATH "
                    "(docs/lmms-eval.md)"
                )
            return
        if self.lmms_python is not None:
            raise DesignError(f"--lmms-python {self.lmms_python}: is used with --benchmark lmms:NAME only")
        if self.benchmark is None:
            if self.benchmark_dir is not None or self.allow_missing:
                given = "--allow-missing" if self.benchmark_dir is None else f"--benchmark-dir {self.benchmark_dir}"
                raise DesignError(f"{given}: is used with --benchmark only; a data set holds its images")
            return
        known = find_benchmark(self.benchmark)
        if self.split not in {None, TEST}:
            raise DesignError(f"--split {self.split}: all questions of {known.title} are in split {TEST}; leave it out")
        if self.benchmark_dir is None:
            raise DesignError(
                f"--benchmark {self.benchmark}: name the folder that holds {known.files} with --benchmark-dir"
            )
