"""The configuration of LLaVA-OneVision-1.5; the defaults are those of the 8B model."""

from typing import Any, ClassVar

from huggingface_hub.dataclasses import strict
from transformers import AutoConfig, PreTrainedConfig, Qwen3Config
from transformers.configuration_utils import SubConfigSpec


@strict
class LlavaOnevision15VisionConfig(PreTrainedConfig):  # type: ignore[misc]
    """RICE, a vision transformer with rotary positions in two dimensions."""

    model_type = "rice_vit"
    base_config_key = "vision_config"
    attribute_map: ClassVar[dict[str, str]] = {"num_attention_heads": "num_heads", "num_hidden_layers": "depth"}

    depth: int = 24
    embed_dim: int = 1024
    hidden_size: int | None = None
    """The same as `embed_dim`; the released files contain both."""
    intermediate_size: int = 4096
    num_heads: int = 16
    hidden_act: str = "gelu"
    """The activation: the exact GELU, with the error function."""
    layer_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    in_channels: int = 3
    patch_size: int = 14
    temporal_patch_size: int = 1
    spatial_merge_size: int = 2
    text_hidden_size: int = 4096
    """Width of the features for the language model."""
    initializer_range: float = 0.02

    def __post_init__(self, **kwargs: Any) -> None:
        """Set the fields that follow from others."""
        self.hidden_size = self.hidden_size or self.embed_dim
        super().__post_init__(**kwargs)
        if self.hidden_size != self.embed_dim or self.temporal_patch_size != 1:
            raise ValueError(
                f"rice_vit: hidden_size {self.hidden_size} must equal embed_dim {self.embed_dim}, "
                f"and temporal_patch_size {self.temporal_patch_size} must be 1"
            )


@strict
class LlavaOnevision15TextConfig(Qwen3Config):  # type: ignore[misc]
    """A Qwen3 language model, with the sizes of its 8B; some checkpoints have the plain type ``qwen3`` instead."""

    model_type = "LLaVAOneVision1_5_text"
    base_config_key = "text_config"
    default_theta = 1e6

    intermediate_size: int = 12288
    num_hidden_layers: int = 36
    num_key_value_heads: int | None = 8


@strict
class LlavaOnevision15Config(PreTrainedConfig):  # type: ignore[misc]
    """The configuration of the vision tower, the language model and the image tokens."""

    model_type = "llavaonevision1_5"
    sub_configs_defaults: ClassVar[dict[str, Any]] = {
        "vision_config": LlavaOnevision15VisionConfig,
        "text_config": SubConfigSpec(AutoConfig, model_type=LlavaOnevision15TextConfig.model_type),
    }

    vision_config: Any = None
    """A `LlavaOnevision15VisionConfig`, or its fields."""
    text_config: Any = None
    """A `LlavaOnevision15TextConfig` or a `Qwen3Config`, or the fields of the one that its ``model_type`` names."""
    vocab_size: int | None = None
    """Vocabulary size for the released code, which reads it here; this package reads the language model's."""
    image_token_id: int = 151655
    video_token_id: int = 151656
    vision_start_token_id: int = 151652
    vision_end_token_id: int = 151653
    eos_token_id: int | list[int] | None = 151645
    pad_token_id: int | None = 151643
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        """Build the two parts' configurations, and check that they fit together."""
        # It names files of remote code, which folders written by this package do not contain.
        kwargs.pop("auto_map", None)
        super().__post_init__(**kwargs)
        self.vocab_size = self.vocab_size or self.text_config.vocab_size
        self.tie_word_embeddings = self.tie_word_embeddings or self.text_config.tie_word_embeddings
        if self.vision_config.text_hidden_size != self.text_config.hidden_size:
            raise ValueError(
                f"the vision tower's features are {self.vision_config.text_hidden_size} wide (text_hidden_size), "
                f"the language model is {self.text_config.hidden_size} (hidden_size)"
            )
