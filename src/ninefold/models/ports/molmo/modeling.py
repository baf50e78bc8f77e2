"""Molmo v1 (allenai/Molmo-7B-D-0924 and 7B-O-0924) for transformers 5, with the released tensor and module names.

The language model computes what `Qwen2ForCausalLM` (D) or `Olmo2ForCausalLM` (O) computes, from their own norms, rotary
embedding, attention functions, masks and cache; it is written anew only because the released checkpoints fuse query,
key and value into ``att_proj``, and up and gate into ``ff_proj``.

Axes: B sequences, S positions, D width, Q, J and V widths of queries, keys and values, T crops of a sequence, N patches
of a crop, I values of a patch, K pooled windows of a crop, P positions that hold features of an image.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import initialization
from transformers.cache_utils import Cache, DynamicCache
from transformers.generation import GenerationMixin
from transformers.masking_utils import create_causal_mask
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, PreTrainedModel, slice_logits_to_keep
from transformers.models.llava.modeling_llava import LlavaCausalLMOutputWithPast, LlavaModelOutputWithPast
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm, Olmo2RotaryEmbedding, apply_rotary_pos_emb
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm, Qwen2RotaryEmbedding, eager_attention_forward
from transformers.utils.generic import can_return_tuple, merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from ninefold.models.ports.molmo.configuration import MolmoConfig
from ninefold.models.ports.molmo.vision import MolmoVisionBackbone, init_vision_weights

_IMAGE_INPUTS = ("images", "image_masks", "image_input_idx")


class MolmoEmbedding(nn.Module):
    """One embedding in two parameters: that of the language model, and the rows added for the tokens of images."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.empty(config.embedding_size, config.hidden_size))
        self.new_embedding = nn.Parameter(torch.empty(config.additional_vocab_size, config.hidden_size))

    def forward(self, input_ids_BS: Tensor) -> Tensor:
        """Return (B, S, D)."""
        size = len(self.embedding)
        old_BSD = nn.functional.embedding(input_ids_BS.clamp(max=size - 1), self.embedding)
        new_BSD = nn.functional.embedding((input_ids_BS - size).clamp(min=0), self.new_embedding)
        return torch.where((input_ids_BS >= size)[..., None], new_BSD, old_BSD)


class MolmoAttention(nn.Module):
    """What a block does between its fused projection and its output projection; it has no parameters."""

    is_causal = True

    def __init__(self, config: MolmoConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = self.head_dim**-0.5

    def forward(
        self,
        query_BSQ: Tensor,
        key_BSJ: Tensor,
        value_BSV: Tensor,
        *,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None,
        past_key_values: Cache | None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Return (B, S, Q), and the attention weights where the attention function gives them."""
        query, key, value = (
            states.view(*states.shape[:2], -1, self.head_dim).transpose(1, 2)
            for states in (query_BSQ, key_BSJ, value_BSV)
        )
        query, key = apply_rotary_pos_emb(query, key, *position_embeddings)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention_forward)
        attended, weights = attend(self, query, key, value, attention_mask, dropout=0.0, scaling=self.scaling, **kwargs)
        return attended.flatten(2), weights


class MolmoBlock(GradientCheckpointingLayer):  # type: ignore[misc]
    """A block of the language model, normalized as in Qwen2 (before) or as in OLMo 2 (after)."""

    def __init__(self, config: MolmoConfig, layer_idx: int) -> None:
        super().__init__()
        norm = Olmo2RMSNorm if config.norm_after else Qwen2RMSNorm
        width, inner = config.hidden_size, config.intermediate_size // 2
        self.norm_after = config.norm_after
        self.attention = MolmoAttention(config, layer_idx)
        query_dim, key_dim = (
            heads * self.attention.head_dim for heads in (config.num_attention_heads, config.num_key_value_heads)
        )
        self.fused_dims = (query_dim, key_dim, key_dim)
        self.att_proj = nn.Linear(width, sum(self.fused_dims), bias=config.qkv_bias)
        self.attn_out = nn.Linear(query_dim, width, bias=False)
        self.ff_proj = nn.Linear(width, 2 * inner, bias=False)
        self.ff_out = nn.Linear(inner, width, bias=False)
        self.attn_norm = norm(width, eps=config.layer_norm_eps)
        self.ff_norm = norm(width, eps=config.layer_norm_eps)
        if config.attention_layer_norm:
            self.q_norm = norm(query_dim, eps=config.layer_norm_eps)
            self.k_norm = norm(key_dim, eps=config.layer_norm_eps)
        else:
            self.q_norm = self.k_norm = nn.Identity()

    def forward(self, hidden_BSD: Tensor, **kwargs: Any) -> Tensor:
        """Return (B, S, D); the keywords are those of `MolmoAttention`."""
        if self.norm_after:
            hidden_BSD = hidden_BSD + self.attn_norm(self._attend(hidden_BSD, **kwargs))
            return hidden_BSD + self.ff_norm(self._feed(hidden_BSD))  # type: ignore[no-any-return]
        hidden_BSD = hidden_BSD + self._attend(self.attn_norm(hidden_BSD), **kwargs)
        return hidden_BSD + self._feed(self.ff_norm(hidden_BSD))

    def _attend(self, hidden_BSD: Tensor, **kwargs: Any) -> Tensor:
        query_BSQ, key_BSJ, value_BSV = self.att_proj(hidden_BSD).split(self.fused_dims, -1)
        attended_BSQ, _ = self.attention(self.q_norm(query_BSQ), self.k_norm(key_BSJ), value_BSV, **kwargs)
        return self.attn_out(attended_BSQ)  # type: ignore[no-any-return]

    def _feed(self, hidden_BSD: Tensor) -> Tensor:
        # Rounding depends on how rows lie in memory: halves of their own come out as those of Qwen2, digit for digit.
        up, gate = (half.contiguous() for half in self.ff_proj(hidden_BSD).chunk(2, -1))
        return self.ff_out(nn.functional.silu(gate) * up)  # type: ignore[no-any-return]


class MolmoPreTrainedModel(PreTrainedModel):  # type: ignore[misc]
    """What `MolmoModel` and `MolmoForConditionalGeneration` share."""

    config: MolmoConfig
    base_model_prefix = "model"
    input_modalities = ("image", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ("MolmoBlock", "MolmoVisionBlock")
    _skip_keys_device_placement = ("past_key_values",)
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
    """Both halves of Molmo; it holds the output head too, as that is where the released checkpoints have it."""

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
        """Encode pictures.

        Args:
            images: Crops in patches, (B, T, N, I).
            image_masks: Each patch's share of real pixels, (B, T, N).
            image_input_idx: Position of each feature in its sequence, (B, T, K), negative where it is not used.
            output_hidden_states: Whether the states of the vision tower are wanted too.

        Returns:
            ``last_hidden_state``: all features, (B, T, K, D). ``pooler_output``: for each sequence those it uses, in
            the order of its positions, (P, D), or all of them without ``image_input_idx``. ``hidden_states``: the
            tower's, each (crops, N + 1, width).
        """
        features_BTKD, hidden_states = self.vision_backbone(
            images, image_masks, output_hidden_states=output_hidden_states
        )
        used = list(features_BTKD.flatten(1, 2))
        if image_input_idx is not None:
            places = list(image_input_idx.flatten(1))
            used = [features[row.argsort()[(row < 0).sum() :]] for features, row in zip(used, places, strict=True)]
        return BaseModelOutputWithPooling(
            last_hidden_state=features_BTKD, pooler_output=used, hidden_states=hidden_states
        )

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
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> LlavaModelOutputWithPast:
        """Run both halves up to the final norm; the arguments are those of `MolmoForConditionalGeneration`."""
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("give either input_ids or inputs_embeds")
        past_length = 0 if past_key_values is None else past_key_values.get_seq_length()
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
            embeds_BSD, features_PD = _added(embeds_BSD, *_placed(features_BTKD, image_input_idx))
        elif encoded is not None:
            embeds_BSD, features_PD = _added(embeds_BSD, *self._matched(input_ids, encoded.pooler_output))
        if use_cache and past_key_values is None:
            past_key_values = DynamicCache(config=self.config)
        if position_ids is None:
            position_ids = _position_ids(embeds_BSD, attention_mask, past_length)
        mask = create_causal_mask(
            config=self.config,
            inputs_embeds=embeds_BSD,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            position_ids=position_ids,
        )
        hidden_BSD = embeds_BSD
        position_embeddings = self.rotary_emb(hidden_BSD, position_ids=position_ids)
        for block in cast(nn.ModuleList, self.transformer["blocks"]):
            hidden_BSD = block(
                hidden_BSD,
                position_embeddings=position_embeddings,
                attention_mask=mask,
                past_key_values=past_key_values,
                **kwargs,
            )
        return LlavaModelOutputWithPast(
            last_hidden_state=self.transformer["ln_f"](hidden_BSD),
            past_key_values=past_key_values,
            image_hidden_states=features_PD,
        )

    def _matched(self, input_ids_BS: Tensor | None, features: Sequence[Tensor]) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """Return the rows and columns of the image tokens, and the features (P, D) that belong there."""
        if input_ids_BS is None:
            raise ValueError("mm_encoder_outputs need input_ids, which tell where the features belong")
        features_PD = torch.cat(list(features))
        rows_P, columns_P = torch.where(input_ids_BS == self.config.image_token_id)
        if len(features_PD) != len(rows_P):
            raise ValueError(f"{len(features_PD)} image features for {len(rows_P)} image tokens")
        return (rows_P, columns_P), features_PD


class MolmoForConditionalGeneration(MolmoPreTrainedModel, GenerationMixin):  # type: ignore[misc]
    """Molmo v1 with its output head, loading the released safetensors by their names."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__(config)
        self.model = MolmoModel(config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the module that embeds token ids."""
        return self.model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the module that embeds token ids."""
        self.model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """Return the output head."""
        return self.model.transformer["ff_out"]

    def set_output_embeddings(self, new_embeddings: nn.Module) -> None:
        """Replace the output head."""
        self.model.transformer["ff_out"] = new_embeddings

    def get_image_features(self, images: Tensor, **kwargs: Any) -> BaseModelOutputWithPooling:
        """Encode pictures; see `MolmoModel.get_image_features`."""
        return self.model.get_image_features(images, **kwargs)

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
        past_key_values: Cache | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        logits_to_keep: int | Tensor = 0,
        mm_encoder_outputs: dict[str, BaseModelOutputWithPooling] | None = None,
        **kwargs: Any,
    ) -> LlavaCausalLMOutputWithPast:
        """Compute logits over the text vocabulary.

        Args:
            input_ids: Token ids (B, S). Without ``attention_mask``, -1 is padding, on either side.
            images: Crops in patches (B, T, N, I), -1 throughout where a sequence has fewer than others.
            image_masks: Each patch's share of real pixels (B, T, N), shifted as the processor does.
            image_input_idx: Positions (B, T, K) that features are added at, negative for those of no use.
            attention_mask: 1 at real positions (B, past + S).
            position_ids: Positions (B, S) for the rotary embedding; counted over real ones where not given.
            past_key_values: Keys and values of what came before.
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
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            mm_encoder_outputs=mm_encoder_outputs,
            **kwargs,
        )
        logits = self.get_output_embeddings()(slice_logits_to_keep(outputs.last_hidden_state, logits_to_keep))
        loss = None
        if labels is not None:
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=self.config.embedding_size, **kwargs)
        return LlavaCausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            image_hidden_states=outputs.image_hidden_states,
        )

    def generate(self, inputs: Tensor | None = None, **kwargs: Any) -> Any:
        """Generate as every model of transformers does, from prompts padded on the left.

        Released batches are padded on the right, with -1: they are moved to the left first. Where neither the call nor
        the generation configuration says what ends an answer (the released one is empty), the configuration does.
        """
        input_ids = kwargs.pop("input_ids", inputs)
        if input_ids is not None and (input_ids < 0).any():
            input_ids, kwargs = _padded_left(input_ids, kwargs)
        if kwargs.get("generation_config") is None and self.generation_config.eos_token_id is None:
            kwargs.setdefault("eos_token_id", self.config.eos_token_id)
        return super().generate(input_ids, **kwargs)

    def prepare_inputs_for_generation(
        self, *args: Any, is_first_iteration: bool = False, use_cache: bool = True, **kwargs: Any
    ) -> dict[str, Any]:
        """Return the inputs of a step; only the first one sees the pictures, if keys and values are kept."""
        prepared: dict[str, Any] = super().prepare_inputs_for_generation(
            *args, is_first_iteration=is_first_iteration, use_cache=use_cache, **kwargs
        )
        if use_cache and not is_first_iteration:
            for name in _IMAGE_INPUTS:
                prepared.pop(name, None)
        return prepared

    def _prepare_multimodal_encoder_kwargs_for_generation(self, model_kwargs: dict[str, Any]) -> dict[str, Any]:
        # The pictures stay what they are until the first step: there ``image_input_idx`` says where they belong.
        return model_kwargs


def _placed(features_BTKD: Tensor, image_input_idx_BTK: Tensor) -> tuple[tuple[Tensor, Tensor], Tensor]:
    """Return the rows and columns that features are added at, and these features (P, D)."""
    places_BP = image_input_idx_BTK.flatten(1)
    rows_P, which_P = torch.where(places_BP >= 0)
    return (rows_P, places_BP[rows_P, which_P]), features_BTKD.flatten(1, 2)[rows_P, which_P]


def _added(embeds_BSD: Tensor, places: tuple[Tensor, Tensor], features_PD: Tensor) -> tuple[Tensor, Tensor]:
    """Return the embeddings with features added at their places, and the features."""
    features_PD = features_PD.to(embeds_BSD.device, embeds_BSD.dtype)
    return embeds_BSD + torch.zeros_like(embeds_BSD).index_put(places, features_PD), features_PD


def _position_ids(embeds_BSD: Tensor, attention_mask: Tensor | None, past_length: int) -> Tensor:
    """Return positions (B or 1, S), counted over real tokens where a mask tells which they are."""
    length = embeds_BSD.shape[1]
    if attention_mask is not None and attention_mask.ndim == 2:
        return (attention_mask.long().cumsum(-1) - 1).clamp(min=0)[:, -length:]
    return torch.arange(past_length, past_length + length, device=embeds_BSD.device)[None]


def _padded_left(input_ids_BS: Tensor, kwargs: dict[str, Any]) -> tuple[Tensor, dict[str, Any]]:
    """Move padding of -1 from the right to the left, and positions of features along."""
    real_BS = input_ids_BS >= 0
    # Sorting is stable: padding first, what is real after it in its own order.
    order_BS = real_BS.long().argsort(dim=1, stable=True)
    moved = {**kwargs, "attention_mask": real_BS.gather(1, order_BS).long()}
    if (places := kwargs.get("image_input_idx")) is not None:
        shift = (~real_BS).sum(1)[:, None, None]
        moved["image_input_idx"] = torch.where(places >= 0, places + shift, places)
    return input_ids_BS.gather(1, order_BS).clamp(min=0), moved
