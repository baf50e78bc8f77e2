"""The source of descriptions: the captions themselves as answers, as the baseline of pairs that were made from them.

SpaRE (Ogezi and Shi 2025, Table 4) compares a model tuned on pairs with one that was tuned on their captions.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ninefold.data.format import further
from ninefold.data.sources.protocol import Skips, Source, Split
from ninefold.errors import DataError
from ninefold.types import NO_IMAGE, Clustering, Example

if TYPE_CHECKING:
    from ninefold.data.checks.facts import SourceFacts
    from ninefold.data.format.card import About
    from ninefold.data.format.dataset import Dataset

# The command line reads `DescriptionsSpec` for its --help: heavy packages (pyarrow) are imported where used.

COLUMNS = {
    "caption_id": "the caption, by the id that the pairs name",
    "corpus": "the corpus of the caption; empty if its file is of no known form",
}
"""Meaning of the factors."""


@dataclass(frozen=True)
class DescriptionsSpec:
    """Descriptions of images: the captions that question-answer pairs were made from, in the same splits.

    A model trained on them is the baseline of one trained on the pairs: it has seen the same images and words.

    For example:
      ninefold captions run captions.jsonl --engine rules --images photos --out data/pairs
      ninefold data descriptions --pairs data/pairs --out data/descriptions
    """

    pairs: Path
    """Folder of the pairs, made by `ninefold captions run` from captions with their images."""
    prompt: str = "Describe the image in detail."
    """The text that asks for a description."""
    embed: bool = True
    """Copy images that the pairs refer to by path into the data set; otherwise it refers to them too."""

    def __post_init__(self) -> None:
        """Refuse an empty prompt."""
        if not self.prompt.strip():
            raise DataError("--prompt: is empty; ask for a description")


class DescriptionsSource(Source):
    """Descriptions of images: the captions that question-answer pairs were made from, each with its image."""

    name: ClassVar[str] = "descriptions"
    spec_type: ClassVar[type] = DescriptionsSpec
    clustering: ClassVar[Clustering] = "group"
    spec: DescriptionsSpec

    def __init__(self, spec: DescriptionsSpec) -> None:
        self.spec = spec
        self.embed = spec.embed
        self.skips = Skips()

    def splits(self) -> Mapping[str, Split]:
        """Return the splits of the pairs, with one example for each caption of an image.

        Raises:
            DataError: If the folder holds no pairs from captions, or a caption's text is not there.
        """
        data, texts = self._opened(), self._texts()
        return {split: Split(self._examples(data, split, texts)) for split in data.splits}

    def settings(self) -> Mapping[str, Any]:
        """Return the specification, with the name of the folder alone."""
        return {"pairs": self.spec.pairs.resolve().name, "prompt": self.spec.prompt}

    def about(self) -> "About":
        """Return the content of the card and the manifest."""
        from ninefold.data.format.card import About

        return About(
            title=f"ninefold descriptions: {self.spec.pairs.resolve().name}",
            description="Captions of images as answers, the baseline of training on the question-answer pairs that "
            "were made from them (SpaRE, Ogezi and Shi 2025, Table 4). Splits are those of the pairs: all captions of "
            "an image are in one.",
            spec=self.settings(),
            source=self.name,
            answer_format="short_text",
            clustering=self.clustering,
            license="other",
            columns=COLUMNS,
            skipped=self.skips.entries,
        )

    @staticmethod
    def facts(spec: Mapping[str, Any], question: str | None) -> "SourceFacts":
        """Return the facts of the rows."""
        from ninefold.data.checks.facts import Fact, SourceFacts

        return SourceFacts(
            rows=(
                Fact("the prompt is that of the specification, without options", ("prompt", "question", "options"),
                     lambda text, asked, options: text == asked == spec["prompt"] and not options),
                Fact("the answer is a caption, which is not empty", ("answer", "answer_format"),
                     lambda answer, name: bool(answer.strip()) and name == "short_text"),
                Fact("the id is the caption's", ("id", "caption_id"), str.__eq__),
                Fact("the group is not empty", ("group",), bool),
            ),
            manifest={"labels": (), "answer_format": "short_text", "clustering": "group", "question": None},
        )  # fmt: skip

    def _opened(self) -> "Dataset":
        from ninefold.data.format.dataset import Dataset

        data = Dataset.open(self.spec.pairs)
        if data.source != further.SOURCE:
            raise DataError(
                f"{self.spec.pairs}: holds no pairs from captions, but {data.source}; name what `ninefold captions "
                "run` has made"
            )
        return data

    def _texts(self) -> dict[str, str | None]:
        """Return the text of each caption by its id; None for the description of one object."""
        from ninefold.data.format.columns import opened

        path, names = self.spec.pairs / further.CAPTIONS, ("id", "text", "described")
        texts: dict[str, str | None] = {}
        with opened(path) as file:
            if missing := set(names).difference(file.schema_arrow.names):
                raise DataError(f"{path}: column missing: {', '.join(sorted(missing))}; make the pairs again")
            for batch in file.iter_batches(columns=list(names)):
                for row in batch.to_pylist():
                    texts[row["id"]] = row["text"] if row["described"] is None else None
        return texts

    def _examples(self, data: "Dataset", split: str, texts: Mapping[str, str | None]) -> Iterator[Example]:
        """Yield one example for each caption, with the image of its first pair."""
        seen: set[str] = set()
        for pair in data.read(split):
            name = str(pair.factors["caption_id"])
            if name in seen:
                continue
            seen.add(name)
            if name not in texts:
                raise DataError(f"{self.spec.pairs / further.CAPTIONS}: has no caption {name}, which {pair.id} is from")
            text = texts[name]
            if text is None or pair.image == NO_IMAGE:
                self.skips.add("no image" if text else "a description of one object, not of the image", name)
                continue
            yield Example(
                id=name,
                image=pair.image,
                question=self.spec.prompt,
                prompt=self.spec.prompt,
                options=(),
                answer=text,
                answer_format="short_text",
                group=pair.group,
                factors={"caption_id": name, "corpus": str(pair.factors["corpus"])},
            )
