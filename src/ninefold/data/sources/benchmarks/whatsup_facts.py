"""Facts of What's Up: the options are the four captions in a designed order, and their order tells nothing."""

from collections import defaultdict

from ninefold.data.checks.facts import Columns, Fact, SourceFacts, need
from ninefold.data.sources.benchmarks.whatsup import QUESTION, WhatsUpSpec, orders_of, prompt_of
from ninefold.data.sources.benchmarks.whatsup_rows import RELATIONS, pair_of, relation_in
from ninefold.data.sources.option_facts import OPTION_COLUMNS

COLUMNS = {
    "file_name": "the photo's file name",
    "first": "the object that is somewhere",
    "second": "the object that it is told from",
    "relation": "where the first object is from the second, as the photo shows",
    "pair": "the relation and its opposite: two photos that differ only in it",
    **OPTION_COLUMNS,
}
"""Meaning of the factors."""

_ONE_PROMPT = "photos of the same objects have one prompt"


def facts_of(spec: WhatsUpSpec) -> SourceFacts:
    """Return the facts of rows of a specification."""
    relations, orders = RELATIONS[spec.subset], orders_of(spec)

    def stated(options: list[str]) -> tuple[str | None, ...]:
        return tuple(relation_in(option, relations) for option in options)

    return SourceFacts(
        rows=(
            Fact("the options state the four relations in the order of that number, for the seed of the specification",
                 ("options", "order"), lambda options, order: order >= 0 and stated(options) == orders[order]),
            Fact("the answer states the relation", ("answer", "relation"),
                 lambda answer, relation: relation_in(answer, relations) == relation),
            Fact("slot is the position of the answer among the options", ("slot", "answer", "options"),
                 lambda slot, answer, options: options.index(answer) == slot),
            Fact("the prompt is the question, the options in lines with letters, and the instruction",
                 ("prompt", "options", "question"),
                 lambda text, options, asked: asked == QUESTION and text == prompt_of(options)),
            Fact(_ONE_PROMPT, (_ONE_PROMPT,), bool),
            Fact("pair is the relation and its opposite", ("pair", "relation"),
                 lambda pair, relation: pair == pair_of(relation)),
            Fact("the id, the objects and the group are those of the file name",
                 ("id", "file_name", "first", "second", "group"), _names_agree),
        ),
        manifest={"labels": (), "answer_format": "letters", "clustering": "group", "question": None},
        prepare=_with_prompts,
    )  # fmt: skip


def _names_agree(name: str, file_name: str, first: str, second: str, group: str) -> bool:
    parts = name.split("_")
    spelled = (parts[0].replace("-", " "), parts[-1].replace("-", " "))
    return file_name.startswith(f"{name}.") and spelled == (first, second) and group == f"{parts[0]} {parts[-1]}"


def _with_prompts(columns: Columns, where: str) -> Columns:
    """Add whether all rows of a row's group have its prompt."""
    need(columns, ("group", "prompt"), where)
    prompts: dict[str, set[str]] = defaultdict(set)
    for group, prompt in zip(columns["group"], columns["prompt"], strict=True):
        prompts[group].add(prompt)
    return {**columns, _ONE_PROMPT: [len(prompts[group]) == 1 for group in columns["group"]]}
