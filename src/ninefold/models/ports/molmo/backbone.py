"""Molmo v1 without its output head: vision backbone and language model, with the released tensor and module names.

Axes: B sequences, S positions, D width, T crops of a sequence, N patches of a crop, I values of a patch, K pooled
windows of a crop, P positions with image features.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import initialization
from transformers.cache_utils import Cache, DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import PreTrainedModel
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm, Olmo2RotaryEmbedding
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm, Qwen2RotaryEmbedding
from transformers.utils.generic import can_return_tuple, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from ninefold.models.compat import CACHE, takes_cache
from ninefold.models.ports.molmo.configuration import MolmoConfig
from ninefold.models.ports.molmo.language import MolmoAttention, MolmoBlock, MolmoEmbedding
from ninefold.models.ports.molmo.positions import add_features, token_positions, used_features
from ninefold.models.ports.molmo.vision import MolmoVisionBackbone, init_vision_weights
from ninefold.models.ports.outputs import ImageTextOutput


class MolmoPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """The base class of `MolmoModel` and `MolmoForConditionalGeneration`."""

    config: MolmoConfig
    base_model_prefix = "model"
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ("MolmoBlock", "MolmoVisionBlock")
    _skip_keys_device_placement = ("past_key_values", "cache")
    _supports_flash_attn = True
    _supports_sdpa = True
    _supports_attention_backend = True
    _can_record_outputs = {"hidden_states": MolmoBlock, "attentions": MolmoAttention}  # noqa: RUF012

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)

        def normal(parameter: Tensor) -> None:
            initialization.normal_(parameter, std=self.config.initializer_range)

        init_vision_weights(module, normal)
        if isinstance(module, MolmoEmbedding):
            normal(module.embedding)
            normal(module.new_embedding)


class MolmoModel(MolmoPreTrainedModel):
    """Both parts of Molmo; it includes the output head, as in the released checkpoints."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__(config)
        norm, rotary = (
            (Olmo2RMSNorm, Olmo2RotaryEmbedding) if config.norm_after else (Qwen2RMSNorm, Qwen2RotaryEmbedding)
        )
        self.transformer = nn.ModuleDict(
            {
                "wte": MolmoEmbedding(config),
                "blocks": nn.ModuleList(MolmoBlock(config, layer) for layer in range(config.num_hidden_layers)),
                "ln_f": norm(config.hidden_size, eps=config.layer_norm_eps),
                "ff_out": nn.Linear(config.hidden_size, config.embedding_size, bias=False),
            }
        )
        self.vision_backbone = MolmoVisionBackbone(config)
        self.rotary_emb = rotary(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the module that embeds token ids."""
        return self.transformer["wte"]

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the module that embeds token ids."""
        self.transformer["wte"] = value

    @can_return_tuple  # type: ignore[untyped-decorator]
    def get_image_features(
        self,
        images: Tensor,
        image_masks: Tensor | None = None,
        image_input_idx: Tensor | None = None,
        *,
        output_hidden_states: bool = False,
        **_: Any,
    ) -> BaseModelOutputWithPooling:
        """Encode images.

        Args:
            images: Crops in patches, (B, T, N, I).
            image_masks: Each patch's fraction of real (unpadded) pixels, (B, T, N).
            image_input_idx: Position of each feature in its sequence, (B, T, K), negative if unused.
            output_hidden_states: Whether to return the hidden states of the vision tower too.

        Returns:
            ``last_hidden_state``: all features, (B, T, K, D). ``pooler_output``: for each sequence the used ones,
            by position, (P, D), or all of them without ``image_input_idx``. ``hidden_states``: the
            tower's, each (crops, N + 1, width).
        """
        features_BTKD, hidden_states = self.vision_backbone(
            images, image_masks, output_hidden_states=output_hidden_states
        )
        used = list(features_BTKD.flatten(1, 2))
        if image_input_idx is not None:
            positions = list(image_input_idx.flatten(1))
            used = [features[row.argsort()[(row < 0).sum() :]] for features, row in zip(used, positions, strict=True)]
        return BaseModelOutputWithPooling(
            last_hidden_state=features_BTKD, pooler_output=used, hidden_states=hidden_states
        )

    @takes_cache
    @merge_with_config_defaults  # type: ignore[untyped-decorator]
    @capture_outputs  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: Tensor | None = None,
        *,
        images: Tensor | None = None,
        image_masks: Tensor | None = None,
        image_input_idx: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> ImageTextOutput:
        """Run both parts up to the final norm; the arguments are those of `MolmoForConditionalGeneration`."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        past_length = 0 if cache is None else cache.get_seq_length()
        if input_ids is not None:
            if attention_mask is None and not past_length:
                attention_mask = input_ids >= 0
            inputs_embeds = self.transformer["wte"](input_ids.clamp(min=0))
        embeds_BSD = cast(Tensor, inputs_embeds)
        encoded = (mm_encoder_outputs or {}).get("image")
        features_PD = None
        if images is not None:
            if encoded is not None or image_input_idx is None:
                raise ValueError("images need image_input_idx, the positions of their features, and no encoder outputs")
            features_BTKD, _ = self.vision_backbone(images, image_masks)
            embeds_BSD, features_PD = add_features(embeds_BSD, *used_features(features_BTKD, image_input_idx))
        elif encoded is not None:
            embeds_BSD, features_PD = add_features(embeds_BSD, *self._matched(input_ids, encoded.pooler_output))
        if use_cache and cache is None:
            cache = DynamicCache(config=self.config)
        if position_ids is None:
            position_ids = token_positions(embeds_BSD, attention_mask, past_length)
        mask = create_causal_mask(
            config=self.config,
            inputs_embeds=embeds_BSD,
            attention_mask=attention_mask,
            position_ids=position_ids,
            **{CACHE: cache},
        )
        hidden_BSD = embeds_BSD
        position_embeddings = self.rotary_emb(hidden_BSD, position_ids=position_ids)
        for block in cast(nn.ModuleList, self.transformer["blocks"]):
            hidden_BSD = block(
                hidden_BSD,
                position_embeddings=position_embeddings,
                attention_mask=mask,
                **{CACHE: cache},
                **kwargs,
            )
        return ImageTextOutput(
            last_hidden_state=self.transformer["ln_f"](hidden_BSD),
            image_hidden_states=features_PD,
            **{CACHE: cache},
        )

    def _matched(self, input_ids_BS: Tensor | None, features: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Return the rows and columns of the image tokens, and the features (P, D) for them."""
        if input_ids_BS is None:
            raise ValueError("mm_encoder_outputs need input_ids, which tell where the features belong")
        features_PD = torch.cat(list(features))
        rows_P, columns_P = torch.where(input_ids_BS == self.config.image_token_id)
        if len(features_PD) != len(rows_P):
            raise ValueError(f"{len(features_PD)} image features for {len(rows_P)} image tokens")
        return (rows_P, columns_P), features_PD
