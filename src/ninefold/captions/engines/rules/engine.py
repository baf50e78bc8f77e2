"""The engine of rules, and the filter that shares its parses."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ninefold.captions.caption import Caption
from ninefold.captions.engines.rules.facts import read
from ninefold.captions.engines.rules.pipeline import open_pipeline
from ninefold.captions.engines.rules.wording import pairs
from ninefold.captions.pair import Generated, Pair

VERSION = 1
"""Version of the rules: raised with every change of what they make of a text."""


@lru_cache(maxsize=1024)
def _pairs_of(parser: str, text: str, label: str, described: int | None) -> tuple[Pair, ...]:
    """Return the pairs of a text; kept for a while, because the filter asks for the same ones as the engine."""
    parse = open_pipeline(parser).parse(text)
    if parse is None:
        return ()
    caption = Caption(id="", text=text, label=label, described=described)
    return tuple(pairs(read(parse, caption)))


class RulesEngine:
    """The engine of rules: facts from the dependency parse of a caption, and questions about them."""

    name = "rules"

    def __init__(self, parser: str) -> None:
        """Open the parser.

        Raises:
            DataError: If spaCy or the parser is not installed, or if the parser is of no use.
        """
        open_pipeline(parser)
        self.parser = parser

    def settings(self) -> Mapping[str, Any]:
        """Return the version of the rules, and name, version and hash of the parser."""
        return {"rules": VERSION, **open_pipeline(self.parser).settings()}

    def generate(self, captions: Sequence[Caption]) -> list[Generated]:
        """Return the pairs of each caption; a caption without any states no relation."""
        found = [_pairs_of(self.parser, caption.text, caption.label, caption.described) for caption in captions]
        return [Generated(pairs=made, is_spatial=bool(made)) for made in found]


class RulesFilter(RulesEngine):
    """The filter of rules: a caption is spatial if it states at least one fact."""

    def judge(self, captions: Sequence[Caption]) -> list[bool | None]:
        """Return for each caption whether the rules find a fact in it."""
        return [made.is_spatial for made in self.generate(captions)]
