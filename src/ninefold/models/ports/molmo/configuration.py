"""The configuration of Molmo v1: the keys of the released ``config.json``, and the released code's constants."""

from typing import Any

from transformers import PreTrainedConfig

PADDING = -1.0
"""Padding value of crops and their masks, for sequences with fewer crops than others of the batch."""

_END_OF_TEXT = {152064: 151643, 100352: 100257}
"""``<|endoftext|>`` of the released tokenizers, by ``embedding_size``; no released file names the end token."""


class MolmoConfig(PreTrainedConfig):  # type: ignore[misc]
    """The configuration of a Molmo v1; the defaults are those of allenai/Molmo-7B-D-0924.

    The language model's fields have the names of the released ``config.json``. The vision fields are in no released
    file; their names and values are those of the released code.

    Raises:
        ValueError: If a setting has a value that no released checkpoint uses.
    """

    model_type = "molmo"
    keys_to_ignore_at_inference = ("past_key_values", "cache")
    default_theta = 1e6
    # Under transformers' own name it would be checked against the vocabulary, which it exceeds.
    attribute_map = {"image_token_id": "im_patch_id"}  # noqa: RUF012

    vocab_size: int = 152064
    """Vocabulary size of the language model's tokenizer."""
    embedding_size: int = None  # type: ignore[assignment]
    """Rows of the text embedding and columns of the logits: ``vocab_size``, possibly rounded up."""
    additional_vocab_size: int = 128
    """Rows of the second embedding, for ids from ``embedding_size`` on: the image tokens."""
    hidden_size: int = 3584
    intermediate_size: int = 37888
    """Width of the fused up and gate projection: twice that of the MLP."""
    num_hidden_layers: int = 28
    num_attention_heads: int = 28
    num_key_value_heads: int = None  # type: ignore[assignment]
    """Number of key-value heads; by default ``num_attention_heads``."""
    max_position_embeddings: int = 4096
    rope_parameters: dict[str, Any] | None = None
    """Rotary settings, made from the released ``rope_theta``."""
    layer_norm_eps: float = 1e-6
    layer_norm_type: str = "rms"
    qkv_bias: bool = True
    attention_layer_norm: bool = False
    """Whether queries and keys are normalized, over all heads together."""
    norm_after: bool = False
    """Whether the output of attention and MLP is normalized (as in OLMo 2) instead of their input."""
    clip_qkv: float | None = None
    use_position_ids: bool = True
    use_cache: bool = True
    initializer_range: float = 0.02
    weight_tying: bool = False
    tie_word_embeddings: bool = False
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None
    im_patch_id: int = None  # type: ignore[assignment]
    """Id of ``<im_patch>``, at whose positions image features are added: the third additional token."""

    image_default_input_size: list[int] | tuple[int, ...] = (336, 336)
    """Height and width of a crop, in pixels."""
    image_patch_size: int = 14
    image_pos_patch_size: int = 14
    image_emb_dim: int = 1024
    image_num_heads: int = 16
    image_num_key_value_heads: int = 16
    image_num_layers: int = 23
    image_head_dim: int = 64
    image_mlp_dim: int = 4096
    image_mlp_activations: str = "quick_gelu"
    image_dropout_rate: float = 0.0
    image_num_pos: int = 577
    """Number of patches of a crop, plus the class token."""
    image_norm_eps: float = 1e-5
    attention_dropout: float = 0.0
    residual_dropout: float = 0.0
    vit_layers: list[int] | tuple[int, ...] = (-2, -9)
    """Blocks of the vision tower whose outputs are concatenated, in this order."""
    image_pooling: str = "2x2 mean-query attention"

    def __post_init__(self, **kwargs: Any) -> None:
        """Set the fields that follow from others, and refuse unimplemented settings."""
        self.embedding_size = self.embedding_size or self.vocab_size
        self.num_key_value_heads = self.num_key_value_heads or self.num_attention_heads
        self.im_patch_id = self.im_patch_id or self.embedding_size + 2
        if self.eos_token_id is None:
            self.eos_token_id = _END_OF_TEXT.get(self.embedding_size)
        expected = {
            "layer_norm_type": "rms",
            "clip_qkv": None,
            "weight_tying": False,
            "tie_word_embeddings": False,
            "use_position_ids": True,
            "image_dropout_rate": 0,
            "attention_dropout": 0,
            "residual_dropout": 0,
            "image_pooling": "2x2 mean-query attention",
        }
        for name, value in expected.items():
            if getattr(self, name) != value:
                raise ValueError(f"Molmo with {name}={getattr(self, name)!r} is not implemented; only {value!r} is")
        # It names remote code, which this class replaces.
        kwargs.pop("auto_map", None)
        super().__post_init__(**kwargs)

    @property
    def image_grid(self) -> tuple[int, int]:
        """Rows and columns of patches in a crop."""
        height, width = self.image_default_input_size
        return height // self.image_patch_size, width // self.image_patch_size
