"""The description of a study: models x conditions x seeds x tests. A recipe is a function that returns one.

A source of examples is given as the specification of any source (`SyntheticSpec`, `CocoSpec`, ...), as captions to make
pairs of (`CaptionsSpec`), as `Photos` of the nano world, or as the folder of a data set that exists already.

A description is plain values once it is made: lists, ranges, generators and arrays become tuples, and names of folders
paths. What is of another type stays as it is, and is a fault that `check` tells.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, is_dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, Literal

from ninefold.captions.spec import CaptionsIn, CaptionsSpec
from ninefold.data.sources.catalog import SOURCES
from ninefold.data.sources.descriptions import DescriptionsSource, DescriptionsSpec
from ninefold.models.spec import ModelSpec
from ninefold.nano.spec import CAPTIONS, WorldSpec

PAIRS = "pairs"
"""Name of the pairs that are made from captions; they are no source, but a run of `ninefold captions`."""

DESCRIPTIONS = DescriptionsSource.name
"""Name of the source of the captions that pairs were made from."""


@dataclass(frozen=True)
class Photos:
    """Questions about photo-like images of the nano world, which the study draws first."""

    world: WorldSpec
    """Settings of the images."""
    questions: Mapping[str, Any] = field(default_factory=dict)
    """Options of the source's specification, except the annotations and images, which are those of the world."""
    source: str = "coco"
    """Name of the source that asks them, one that reads COCO's format: "coco", "flawed", "general" or "relations"; or
    "pairs", which are made from the descriptions of the images, or these "descriptions" themselves."""

    def spec(self, folder: Path) -> Any:
        """Return the specification of the questions, given the folder of the images; for descriptions, of the pairs."""
        if self.source == DESCRIPTIONS:
            return DescriptionsSpec(folder, **self.questions)
        if self.source == PAIRS:
            captions = CaptionsIn((folder / CAPTIONS,), "caption", "id", "image", folder / "images")
            return CaptionsSpec(captions, **self.questions)
        return SOURCES[self.source].spec_type(folder / "annotations.json", folder / "images", **self.questions)


@dataclass(frozen=True)
class StudyModel:
    """A model of a study."""

    title: str
    """Name in tables: that of the paper, if it is one of the paper's models."""
    model: ModelSpec
    """The model and its options, without an adapter."""
    conditions: tuple[str, ...] | None = None
    """Names of the conditions that it is trained under; None for all."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `TrainSpec` for all of its trainings, such as ``{"learning_rate": 1e-4}``."""
    name: str = ""
    """Name in paths, by default the model's own; to be given if two models differ in their options only."""
    caution: str = ""
    """What a reader of its scores must know, as a sentence; empty for nothing. Reports say it of nano bases already."""

    def __post_init__(self) -> None:
        """Accept a model's name, and conditions in any order that stays."""
        if isinstance(self.model, str | Path):
            object.__setattr__(self, "model", ModelSpec.of(self.model))
        _freeze(self, "conditions")


@dataclass(frozen=True)
class Condition:
    """A condition: what a model is trained on, once for each seed."""

    name: str
    """Name in paths: letters, digits, "-" and "."; unique."""
    title: str
    """Name in tables."""
    sources: tuple[Any, ...]
    """Sources of the training examples, used together."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `TrainSpec` that this condition changes; they have priority over the model's."""
    group: str = ""
    """Group of conditions that a figure compares, such as "scaling"; empty for none."""

    def __post_init__(self) -> None:
        """Accept one source alone, several of any kind of sequence, and folders as texts."""
        given: Any = self.sources
        if is_dataclass(given) or isinstance(given, str | Path):
            object.__setattr__(self, "sources", (given,))
        _freeze(self, "sources")
        if isinstance(self.sources, tuple):
            object.__setattr__(self, "sources", tuple(map(_as_folder, self.sources)))


@dataclass(frozen=True)
class Test:
    """A test: a data set that the base and every tuned model are evaluated on."""

    name: str
    """Name in paths: letters, digits, "-" and "."; unique."""
    title: str
    """Name in tables."""
    source: Any
    """Source of the questions."""
    conditions: tuple[str, ...] | None = None
    """Names of the conditions that are tested on it, "base" for the base; None for all."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of `EvaluateSpec`, such as ``{"orders": "all"}``."""

    def __post_init__(self) -> None:
        """Accept a folder as text."""
        object.__setattr__(self, "source", _as_folder(self.source))
        _freeze(self, "conditions")


@dataclass(frozen=True)
class Probe:
    """Layer-wise probes of the hidden states on the examples of a test (Rizzoli et al. 2025, section 5.B)."""

    test: str
    """Name of the test."""
    conditions: tuple[str, ...] = ("base",)
    """Names of the conditions that are probed, "base" for the base."""

    def __post_init__(self) -> None:
        """Accept conditions of any kind of sequence."""
        _freeze(self, "conditions")


@dataclass(frozen=True)
class Study:
    """A study: every model is trained under every condition with every seed, and tested on every test."""

    name: str
    """Name of the recipe: letters, digits, "-" and "."."""
    title: str
    """One line: what it asks."""
    models: Sequence[StudyModel]
    """Models."""
    tests: Sequence[Test]
    """Tests."""
    conditions: Sequence[Condition] = ()
    """Conditions beside the base, which is always tested."""
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    """Seeds of each training; five as in the paper."""
    probes: Sequence[Probe] = ()
    """Layer-wise probes."""
    figures: Sequence[str] = ()
    """Names of further figures of the report, such as "collapse"."""
    overlap: Literal["refuse", "allow"] = "refuse"
    """Whether a training set that shares images or scenes with a test is refused."""

    def __post_init__(self) -> None:
        """Accept parts of any kind of sequence, and seeds of any type of whole number."""
        _freeze(self, "models", "tests", "conditions", "seeds", "probes", "figures")
        if isinstance(self.seeds, tuple):
            object.__setattr__(self, "seeds", tuple(map(_as_plain, self.seeds)))


def _freeze(part: object, *names: str) -> None:
    """Make tuples of fields with several values; a text is one value, and a set has no order that stays."""
    for name in names:
        value = getattr(part, name)
        if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping | Set):
            object.__setattr__(part, name, tuple(value))


def _as_folder(source: object) -> object:
    return Path(source) if isinstance(source, str) else source


def _as_plain(seed: object) -> object:
    return seed if isinstance(seed, bool) or not isinstance(seed, Integral) else int(seed)
