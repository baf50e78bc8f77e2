"""Embeddings of texts: of a sentence encoder's checkpoint, or of the text tower of a CLIP.

Axes: T texts, S tokens of a text, D width.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer

from ninefold.captions.checks.models import model_spec, takes_first_token
from ninefold.errors import ModelError
from ninefold.models.checkpoint.messages import explained, quiet
from ninefold.models.checkpoint.network import open_checkpoint
from ninefold.models.clip.model import DualEncoder
from ninefold.models.clip.similarity import text_vectors
from ninefold.models.compute.device import used_device
from ninefold.models.compute.memory import MemoryLimit
from ninefold.models.families import Checkpoint

TEXTS = 64
"""Number of texts in a batch."""

LONGEST = 512
"""Largest number of tokens of a text; more are cut."""


class Embedding(Protocol):
    """A model that gives each text a vector."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (T, D) of texts, of norm 1."""
        ...


class SentenceEncoder:
    """A text encoder whose token vectors are averaged, or of which the first one is taken, as its checkpoint says."""

    def __init__(self, network: Any, tokenizer: Any, *, name: str, longest: int, first_token: bool) -> None:
        """Combine the parts of a checkpoint; `open_embedding` is the usual way."""
        self.network = network
        self.tokenizer = tokenizer
        self.name = name
        self.longest = longest
        self.first_token = first_token
        self._memory: MemoryLimit[str] = MemoryLimit(name, "texts", lambda _: "text")

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (T, D) of texts, of norm 1."""
        # Texts of similar length together: little is computed for padding.
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        found: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), TEXTS):
            batch = order[start : start + TEXTS]
            found |= zip(batch, self._memory.run(self._encoded, [texts[index] for index in batch]), strict=True)
        return np.stack([found[index] for index in range(len(texts))]) if texts else np.empty((0, 0), np.float32)

    @torch.inference_mode()
    def _encoded(self, texts: list[str]) -> list[NDArray[np.float32]]:
        with explained(f"{self.name}: the texts from {texts[0][:40]!r} on cannot be embedded"):
            inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=self.longest, return_tensors="pt")
            tokens_TSD = self.network(**inputs.to(self.network.device)).last_hidden_state.float()
            if self.first_token:
                pooled_TD = tokens_TSD[:, 0]
            else:
                mask_TS1 = inputs["attention_mask"].unsqueeze(-1).to(tokens_TSD)
                pooled_TD = (tokens_TSD * mask_TS1).sum(1) / mask_TS1.sum(1).clamp(min=1)
            return list(normalize(pooled_TD, dim=-1).cpu().numpy())


class ClipTexts:
    """The text tower of a CLIP."""

    def __init__(self, model: DualEncoder) -> None:
        """Take an opened model."""
        self.model = model

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (T, D) of texts, of norm 1; a text is cut to what the model reads."""
        return text_vectors(self.model, texts)[0]


def open_embedding(name: str) -> Embedding:
    """Open a model that embeds texts, in single precision on a GPU if there is one.

    Args:
        name: The folder of a sentence encoder (of sentence-transformers, or of transformers alone), or any name of a
            CLIP.

    Raises:
        ModelError: If it cannot be used; the message gives the reason.
    """
    with explained(f"{name}: cannot be opened as an embedding model"):
        checkpoint, config = open_checkpoint(model_spec(name))
        if checkpoint.family.kind == "dual":
            return ClipTexts(DualEncoder.load(model_spec(name)))
        if not checkpoint.local:
            raise ModelError(f"{name}: is no folder; an embedding model is the folder of a checkpoint, or a CLIP")
        return _sentence_encoder(checkpoint, config)


def _sentence_encoder(checkpoint: Checkpoint, config: Any) -> SentenceEncoder:
    folder = Path(checkpoint.path)
    if any(name.endswith(("ForCausalLM", "ForConditionalGeneration")) for name in config.architectures or ()):
        raise ModelError(f"{folder}: is a model that writes ({config.model_type}), not an encoder of texts")
    first_token = takes_first_token(folder)
    with quiet():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        network, found = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, output_loading_info=True
        )
    # The pooler's output is not used; checkpoints without it are usual.
    if lacking := sorted(name for name in found["missing_keys"] if not name.startswith("pooler.")):
        raise ModelError(f"{folder}: its weights lack {len(lacking)} tensors, {lacking[0]} first; download it again")
    if not hasattr(network, "get_input_embeddings") or config.is_encoder_decoder:
        raise ModelError(f"{folder}: is no encoder of texts, but {config.model_type}")
    if len(tokenizer) > network.get_input_embeddings().num_embeddings:
        raise ModelError(f"{folder}: its tokenizer has more tokens than its model; its files must be of one checkpoint")
    positions = getattr(config, "max_position_embeddings", LONGEST) - (config.pad_token_id or 0) - 1
    encoder = SentenceEncoder(
        network.eval().to(used_device("auto")),
        tokenizer,
        name=checkpoint.name,
        longest=min(LONGEST, tokenizer.model_max_length, positions),
        first_token=first_token,
    )
    one, other = encoder.vectors(["the left", "the right"])
    if not np.isfinite(one @ other):
        raise ModelError(f"{folder}: computes NaN or infinity; download it again")
    # Without the tokenizer's files, transformers makes one without words.
    if np.array_equal(one, other):
        raise ModelError(f"{folder}: tells no texts apart; are its tokenizer's files there?")
    return encoder
