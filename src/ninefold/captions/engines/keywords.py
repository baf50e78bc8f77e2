"""The filter of keywords: a caption is spatial if it holds one of the taxonomy, which nearly all long captions do."""

from collections.abc import Mapping, Sequence
from typing import Any

from ninefold.captions.caption import Caption
from ninefold.captions.matching import matches


class KeywordsFilter:
    """A judge that looks for keywords; implements `ninefold.captions.engines.protocol.Filter`."""

    name = "keywords"

    def settings(self) -> Mapping[str, Any]:
        """Return that there are no settings."""
        return {"filter": "keywords"}

    def judge(self, captions: Sequence[Caption]) -> list[bool | None]:
        """Return for each caption whether it holds a keyword of Table 11."""
        return [bool(matches(caption.text)) for caption in captions]
