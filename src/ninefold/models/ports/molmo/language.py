"""The language model of Molmo v1: Qwen2's (7B-D) or OLMo 2's (7B-O), with the released checkpoints' fused projections.

It computes the same as `Qwen2ForCausalLM` or `Olmo2ForCausalLM`, with transformers' own norms, rotary embedding,
attention functions and cache. It exists only because the released checkpoints fuse query, key and value into
``att_proj``, and up and gate into ``ff_proj``, and adapters must find these modules.

Axes: B sequences, S positions, D width, Q, J and V widths of queries, keys and values.
"""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.olmo2.modeling_olmo2 import Olmo2RMSNorm, apply_rotary_pos_emb
from transformers.models.qwen2.modeling_qwen2 import Qwen2RMSNorm, eager_attention_forward

from ninefold.models.compat import takes_cache
from ninefold.models.ports.molmo.configuration import MolmoConfig


class MolmoEmbedding(nn.Module):
    """One embedding in two parameters: that of the language model, and the additional rows for image tokens."""

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
    """The attention of a block between its fused projection and its output projection; it has no parameters."""

    is_causal = True

    def __init__(self, config: MolmoConfig, layer_idx: int) -> None:
        super().__init__()
        self.config = config
        self.layer_idx = layer_idx
        self.head_dim = config.hidden_size // config.num_attention_heads
        self.num_key_value_groups = config.num_attention_heads // config.num_key_value_heads
        self.scaling = self.head_dim**-0.5

    @takes_cache
    def forward(
        self,
        query_BSQ: Tensor,
        key_BSJ: Tensor,
        value_BSV: Tensor,
        *,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None,
        cache: Cache | None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Return (B, S, Q), and the attention weights if the attention function returns them."""
        query, key, value = (
            states.view(*states.shape[:2], -1, self.head_dim).transpose(1, 2)
            for states in (query_BSQ, key_BSJ, value_BSV)
        )
        query, key = apply_rotary_pos_emb(query, key, *position_embeddings)
        if cache is not None:
            key, value = cache.update(key, value, self.layer_idx)
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
        # Rounding depends on the memory layout: separate contiguous halves give exactly Qwen2's results.
        up, gate = (half.contiguous() for half in self.ff_proj(hidden_BSD).chunk(2, -1))
        return self.ff_out(nn.functional.silu(gate) * up)  # type: ignore[no-any-return]
