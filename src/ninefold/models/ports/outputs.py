"""Output classes of the ports; those of transformers' LLaVA change from release to release."""

from dataclasses import dataclass

from torch import Tensor
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast


@dataclass
class ImageTextOutput(BaseModelOutputWithPast):  # type: ignore[misc]
    """Hidden states of the language model, and the image features in its sequence."""

    image_hidden_states: Tensor | None = None
    """(features of all images, width of the language model); ``None`` without an image."""


@dataclass
class ImageTextLogits(CausalLMOutputWithPast):  # type: ignore[misc]
    """Logits, perhaps a loss, and the image features in the sequence."""

    image_hidden_states: Tensor | None = None
    """The same as in `ImageTextOutput`."""
