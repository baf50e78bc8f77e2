"""Molmo v1 (allenai/Molmo-7B-D-0924 and 7B-O-0924) for transformers 5, with the released tensor and module names.

Axes: B sequences, S positions, D width, T crops of a sequence, N patches of a crop, I values of a patch, K pooled
windows of a crop.
"""

from typing import Any

from torch import Tensor, nn
from transformers.cache_utils import Cache
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import slice_logits_to_keep
from transformers.utils.generic import can_return_tuple

from ninefold.models.compat import CACHE, takes_cache
from ninefold.models.ports.molmo.backbone import MolmoModel, MolmoPreTrainedModel
from ninefold.models.ports.molmo.configuration import MolmoConfig
from ninefold.models.ports.molmo.positions import move_padding_left
from ninefold.models.ports.outputs import ImageTextLogits

_IMAGE_INPUTS = ("images", "image_masks", "image_input_idx")


class MolmoForConditionalGeneration(MolmoPreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """Molmo v1 with its output head, loading the released safetensors by their names."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__(config)
        self.model = MolmoModel(config)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """Return the output head."""
        return self.model.transformer["ff_out"]

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the output head."""
        self.model.transformer["ff_out"] = new_embeddings

    def get_image_features(self, images: Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """Encode images; see `MolmoModel.get_image_features`."""
        return self.model.get_image_features(images, **kwargs)

    @takes_cache
    @can_return_tuple  # type: ignore[untyped-decorator]
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
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> ImageTextLogits:
        """Compute logits over the text vocabulary.

        Args:
            input_ids: Token ids (B, S). Without ``attention_mask``, -1 is padding, on either side.
            images: Crops in patches (B, T, N, I), -1 throughout where a sequence has fewer than others.
            image_masks: Each patch's share of real pixels (B, T, N), shifted as the processor does.
            image_input_idx: Positions (B, T, K) that features are added at, negative for those of no use.
            attention_mask: 1 at real positions (B, past + S).
            position_ids: Positions (B, S) for the rotary embedding; counted over real ones where not given.
            cache: Keys and values of what came before.
            inputs_embeds: Embeddings (B, S, D) instead of ``input_ids``.
            labels: The same length as ``input_ids``, not shifted, -100 where nothing is to be learned.
            logits_to_keep: Which positions get logits, as `transformers` understands it.
            mm_encoder_outputs: Under ``"image"`` what `get_image_features` returned, instead of ``images``; its
                features are added where ``input_ids`` is the configuration's ``image_token_id``.
            kwargs: ``use_cache``, ``output_hidden_states``, ``shift_labels`` and what else all models take.
        """
        outputs = self.model(
            input_ids=input_ids,
            images=images,
            image_masks=image_masks,
            image_input_idx=image_input_idx,
            attention_mask=attention_mask,
            position_ids=position_ids,
            cache=cache,
            inputs_embeds=inputs_embeds,
            mm_encoder_outputs=mm_encoder_outputs,
            **kwargs,
        )
        logits = self.get_output_embeddings()(slice_logits_to_keep(outputs.last_hidden_state, logits_to_keep))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.embedding_size, **kwargs)
        return ImageTextLogits(
            loss=loss,
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            image_hidden_states=outputs.image_hidden_states,
            **{CACHE: getattr(outputs, CACHE)},
        )

    def generate(self, inputs: Tensor | None = None, **kwargs: Any) -> Any:
        """Generate as every model of transformers does, from prompts padded on the left.

        Released batches are padded on the right, with -1: they are moved to the left first. Where neither the call nor
        the generation configuration says what ends an answer (the released one is empty), the configuration does.
        """
        input_ids = kwargs.pop("input_ids", inputs)
        if input_ids is not None and (input_ids < 0).any():
            input_ids, kwargs = move_padding_left(input_ids, kwargs)
        if kwargs.get("generation_config") is None and self.generation_config.eos_token_id is None:
            kwargs.setdefault("eos_token_id", self.config.eos_token_id)
        return super().generate(input_ids, **kwargs)

    def prepare_inputs_for_generation(
        self, *args: Any, is_first_iteration: bool = False, use_cache: bool = True, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the inputs of a step; only the first one sees the images, if keys and values are kept."""
        prepared: dict[str, Any] = super().prepare_inputs_for_generation(
            *args, is_first_iteration=is_first_iteration, use_cache=use_cache, **kwargs
        )
        if use_cache and not is_first_iteration:
            for name in _IMAGE_INPUTS:
                prepared.pop(name, None)
        return prepared

    def _prepare_multimodal_encoder_kwargs_for_generation(self, model_kwargs: dict[str, Any]) -> dict[str, Any]:
        # The images stay what they are until the first step: there ``image_input_idx`` says where they belong.
        return model_kwargs
