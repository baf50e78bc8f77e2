"""Opening Molmo v1's tokenizers: Qwen2's with more tokens (7B-D), and OLMo's (7B-O)."""

from typing import Any

from transformers import Qwen2Tokenizer, TokenizersBackend


class MolmoTokenizer(TokenizersBackend):  # type: ignore[misc]
    """What AutoTokenizer opens a Molmo v1 folder by; what it returns is one of transformers' own classes."""

    @classmethod
    def from_pretrained(cls, path: Any, *args: Any, **kwargs: Any) -> TokenizersBackend:
        """Open ``tokenizer.json``, or Qwen2's ``vocab.json`` and ``merges.txt`` where there is none.

        The class that ``tokenizer_config.json`` names is no guide: O's (GPT-2's) would split text in another way.
        """
        try:
            return TokenizersBackend.from_pretrained(path, *args, **kwargs)
        except ValueError:
            return Qwen2Tokenizer.from_pretrained(path, *args, **kwargs)
