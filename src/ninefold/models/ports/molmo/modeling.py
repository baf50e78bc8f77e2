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
    """Molmo v1 with its output head, with the tensor names of the released safetensors."""

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
            images: Crops in patches (B, T, N, I), -1 for the padding of sequences with fewer crops.
            image_masks: Each patch's fraction of real pixels (B, T, N), shifted as in the processor.
            image_input_idx: Positions (B, T, K) at which features are added, negative if unused.
            attention_mask: 1 at real positions (B, past + S).
            position_ids: Positions (B, S) for the rotary embedding; by default counted over real tokens.
            cache: The KV cache of earlier positions.
            inputs_embeds: Embeddings (B, S, D) instead of ``input_ids``.
            labels: The same length as ``input_ids``, not shifted, -100 at ignored positions.
            logits_to_keep: Positions with logits, as in transformers.
            mm_encoder_outputs: Under ``"image"``, the result of `get_image_features`, instead of ``images``; its
                features are added where ``input_ids`` is the configuration's ``image_token_id``.
            kwargs: ``use_cache``, ``output_hidden_states``, ``shift_labels`` and other common arguments.
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
        """Generate from prompts padded on the left, like every model of transformers.

        Released batches are padded on the right, with -1: their padding is moved to the left first. If neither the call
        nor the generation configuration (empty in the release) names the end token, the model's configuration does.
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
        """Return the inputs of a step; with a KV cache, only the first step gets the images."""
        prepared: dict[str, Any] = super().prepare_inputs_for_generation(
            *args, is_first_iteration=is_first_iteration, use_cache=use_cache, **kwargs
        )
        if use_cache and not is_first_iteration:
            for name in _IMAGE_INPUTS:
                prepared.pop(name, None)
        return prepared

    def _prepare_multimodal_encoder_kwargs_for_generation(self, model_kwargs: dict[str, Any]) -> dict[str, Any]:
        # Images are not encoded before the first step, in which ``image_input_idx`` gives their positions.
        return model_kwargs
