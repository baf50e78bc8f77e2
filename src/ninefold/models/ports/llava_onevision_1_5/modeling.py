"""LLaVA-OneVision-1.5: the RICE vision tower, and the Qwen3 language model of transformers.

Image features replace the embeddings of the image tokens in order; positions are simply 0, 1, 2 ...

Axes: B sequences, S positions, D width, M features of all images.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import GenerationMixin, PreTrainedModel, Qwen3Model
from transformers.cache_utils import Cache
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import slice_logits_to_keep
from transformers.utils.generic import can_return_tuple

from ninefold.models.compat import CACHE, takes_cache
from ninefold.models.ports.llava_onevision_1_5.configuration import LlavaOnevision15Config
from ninefold.models.ports.llava_onevision_1_5.vision import RiceVisionModel
from ninefold.models.ports.outputs import ImageTextLogits, ImageTextOutput


class LlavaOnevision15PreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """The base class of both models, with their settings for transformers."""

    config: LlavaOnevision15Config
    config_class = LlavaOnevision15Config
    base_model_prefix = "model"
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules: ClassVar[list[str]] = ["Qwen3DecoderLayer", "RiceBlock"]
    _skip_keys_device_placement: ClassVar[list[str]] = ["past_key_values", "cache"]
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True


class LlavaOnevision15Model(LlavaOnevision15PreTrainedModel):
    """The vision tower and the language model, without the head."""

    def __init__(self, config: LlavaOnevision15Config) -> None:
        super().__init__(config)
        self.visual = RiceVisionModel._from_config(config.vision_config)
        self.language_model = Qwen3Model._from_config(config.text_config)
        self.post_init()

    @can_return_tuple  # type: ignore[untyped-decorator]
    def get_image_features(
        self, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """Return the image features; ``pooler_output`` is a list of (tokens of an image, D)."""
        seen = self.visual(pixel_values, image_grid_thw, return_dict=True, **kwargs)
        merged = self.config.vision_config.spatial_merge_size**2
        seen.pooler_output = list(seen.pooler_output.split((image_grid_thw.prod(-1) // merged).tolist()))
        return seen

    @takes_cache
    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *,
        pixel_values: torch.Tensor | None = None,
        image_grid_thw: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        mm_encoder_outputs: Mapping[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> ImageTextOutput:
        """Run the forward pass; see `LlavaOnevision15ForConditionalGeneration.forward`."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give input_ids or inputs_embeds, and not both")
        if inputs_embeds is None:
            inputs_embeds = self.get_input_embeddings()(input_ids)
        seen = (mm_encoder_outputs or {}).get("image")
        if pixel_values is not None:
            if seen is not None:
                raise ValueError("give pixel_values or the features of mm_encoder_outputs, and not both")
            if image_grid_thw is None:
                raise ValueError("pixel_values need image_grid_thw, the rows and columns of patches of each image")
            seen = self.get_image_features(pixel_values, image_grid_thw, return_dict=True)
        features_MD = None
        if seen is not None:
            features_MD = torch.cat(list(seen.pooler_output)).to(inputs_embeds)
            inputs_embeds = self._put(features_MD, input_ids, inputs_embeds)

        outputs = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            return_dict=True,
            **{CACHE: cache},
            **kwargs,
        )
        return ImageTextOutput(**outputs, image_hidden_states=features_MD)

    def _put(
        self, features_MD: torch.Tensor, input_ids: torch.Tensor | None, inputs_embeds: torch.Tensor
    ) -> torch.Tensor:
        """Return the embeddings (B, S, D) with those of the image tokens replaced by features, row by row."""
        image_id = self.config.image_token_id
        if input_ids is not None:
            is_image_BS = input_ids == image_id
        else:
            image_D = self.get_input_embeddings()(torch.tensor(image_id, device=inputs_embeds.device))
            is_image_BS = (inputs_embeds == image_D).all(-1)
        if (tokens := int(is_image_BS.sum())) != len(features_MD):
            raise ValueError(
                f"the text has {tokens} image tokens (id {image_id}), the images have {len(features_MD)} features; "
                "prepare both with one call of the processor"
            )
        return inputs_embeds.masked_scatter(is_image_BS[..., None], features_MD)


class LlavaOnevision15ForConditionalGeneration(LlavaOnevision15PreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """LLaVA-OneVision-1.5 with its language head: answers questions on images."""

    _tied_weights_keys: ClassVar[dict[str, str]] = {"lm_head.weight": "model.language_model.embed_tokens.weight"}

    def __init__(self, config: LlavaOnevision15Config) -> None:
        super().__init__(config)
        self.model = LlavaOnevision15Model(config)
        self.lm_head = nn.Linear(config.text_config.hidden_size, config.text_config.vocab_size, bias=False)
        self.post_init()

    def get_image_features(
        self, pixel_values: torch.Tensor, image_grid_thw: torch.Tensor, **kwargs: Any
    ) -> BaseModelOutputWithPooling:
        """Return the image features; ``pooler_output`` is a list of (tokens of an image, D)."""
        return self.model.get_image_features(pixel_values, image_grid_thw, **kwargs)

    @takes_cache
    @can_return_tuple  # type: ignore[untyped-decorator]
    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        *,
        pixel_values: torch.Tensor | None = None,
        image_grid_thw: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        cache: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        mm_encoder_outputs: Mapping[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> ImageTextLogits:
        """Run the forward pass over sequences with images.

        Args:
            input_ids: Tokens (B, S), with as many image tokens as the images have features.
            attention_mask: 0 at padding, on either side (B, cached positions + S).
            pixel_values: Patches of all images, in the order of their positions (patches, 588).
            image_grid_thw: Frames (1), rows and columns of patches of each image (images, 3).
            position_ids: Position of every token (B, S); by default continued from the cache.
            cache: The KV cache of earlier positions.
            inputs_embeds: Embeddings (B, S, D) instead of ``input_ids``.
            labels: Tokens (B, S) to predict from the previous ones, -100 at ignored positions.
            logits_to_keep: Positions with logits: the number of last positions (0: all), positions, or a mask (B, S).
            mm_encoder_outputs: Under ``image``, the result of `get_image_features`, instead of ``pixel_values``.
            **kwargs: Other arguments of transformers' language models.

        Raises:
            ValueError: If image tokens and features differ in number.
        """
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            pixel_values=pixel_values,
            image_grid_thw=image_grid_thw,
            position_ids=position_ids,
            cache=cache,
            inputs_embeds=inputs_embeds,
            mm_encoder_outputs=mm_encoder_outputs,
            return_dict=True,
            **kwargs,
        )
        logits = self.lm_head(slice_logits_to_keep(outputs.last_hidden_state, logits_to_keep))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=logits.shape[-1], **kwargs)
        return ImageTextLogits(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            image_hidden_states=outputs.image_hidden_states,
            **{CACHE: getattr(outputs, CACHE)},
        )
