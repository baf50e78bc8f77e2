"""How far an export is from the adapter on its base, and how far it may be. No torch here."""

from dataclasses import asdict, dataclass
from typing import Any

from ninefold.errors import ModelError

SHARE = 0.1
"""Largest mean difference of logits that a merged model may have, as a fraction of what the adapter changes."""

OTHER = 0.05
"""Largest fraction of answers that may differ."""


@dataclass(frozen=True)
class Difference:
    """How far an export is from the adapter on its base."""

    examples: int
    """Number of examples."""
    largest: float
    """Largest absolute difference of logits."""
    mean: float
    """Mean absolute difference of logits."""
    adapter: float
    """Mean absolute difference of logits that the adapter makes to its base."""
    scale: float
    """Largest absolute logit."""
    same_answers: int
    """Number of examples with exactly the same answer."""

    def check(self, what: str, rounding: float, remedy: str, *, exact: bool = False) -> None:
        """Refuse an export that differs too much.

        Allowed is a mean difference of logits of `SHARE` of what the adapter changes, or of the rounding of the forward
        pass if that is more; and `OTHER` of the answers, at least one.

        Args:
            what: The export, for the message.
            rounding: Rounding of logits by the forward pass, as a fraction of the largest.
            remedy: What to do.
            exact: Whether only rounding of the forward pass is allowed, where no weight was rounded.

        Raises:
            ModelError: If it differs too much, or computes no numbers.
        """
        allowed = max(self.scale * rounding, 0 if exact else SHARE * self.adapter)
        other = self.examples - self.same_answers
        # Written so that NaN is refused.
        if not (self.mean <= allowed and other <= max(1, OTHER * self.examples)):
            raise ModelError(
                f"{what}, is another model than the adapter on its base: {self}; allowed is {allowed:.2g} on average, "
                f"and {OTHER:.0%} of the answers; {remedy}"
            )

    def __str__(self) -> str:
        """Return the difference in words."""
        return (
            f"on {self.examples} examples logits differ by {self.mean:.2g} on average and {self.largest:.2g} at most "
            f"(the adapter changes them by {self.adapter:.2g} on average), and {self.same_answers} answers are the same"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the figures in JSON types."""
        return asdict(self)
