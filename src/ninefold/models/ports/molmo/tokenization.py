"""The loader of Molmo v1's tokenizers: Qwen2's with more tokens (7B-D), and OLMo's (7B-O)."""

from typing import Any

from transformers import Qwen2Tokenizer, TokenizersBackend


class MolmoTokenizer(TokenizersBackend):  # type: ignore[misc]
    """The class by which AutoTokenizer opens a Molmo v1 folder; the result is one of transformers' own classes."""

    @classmethod
    def from_pretrained(cls, path: Any, *args: Any, **kwargs: Any) -> TokenizersBackend:
        """Open ``tokenizer.json``, or Qwen2's ``vocab.json`` and ``merges.txt`` if it is missing.

        The class named in ``tokenizer_config.json`` is not used: that of 7B-O (GPT-2's) would split text differently.
        """
        try:
            return TokenizersBackend.from_pretrained(path, *args, **kwargs)
        except ValueError:
            return Qwen2Tokenizer.from_pretrained(path, *args, **kwargs)
