"""The vision part of Molmo v1: a CLIP tower over crops, attention that pools 2 x 2 patches into one, and a projector.

Axes: B sequences, T crops of a sequence, C = B x T crops, N patches of a crop, I values of a patch (row, column,
channel), L = N + 1 positions with the class token, E width of the tower, F = E x tapped blocks, W windows of 2 x 2
patches in all crops, K windows of a crop, D width of the language model, H heads, G channels of a head.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers.activations import ACT2FN
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.qwen2.modeling_qwen2 import eager_attention_forward

from ninefold.models.ports.molmo.configuration import PADDING, MolmoConfig


class MolmoVisionAttention(nn.Module):
    """Attention to all positions, for the tower's blocks and for the pooling."""

    is_causal = False

    def __init__(self, config: MolmoConfig, input_dim: int) -> None:
        super().__init__()
        self.config = config
        self.head_dim = config.image_head_dim
        self.num_key_value_groups = config.image_num_heads // config.image_num_key_value_heads
        self.scaling = self.head_dim**-0.5
        query_dim = config.image_num_heads * self.head_dim
        key_dim = config.image_num_key_value_heads * self.head_dim
        self.wq = nn.Linear(input_dim, query_dim)
        self.wk = nn.Linear(input_dim, key_dim)
        self.wv = nn.Linear(input_dim, key_dim)
        self.wo = nn.Linear(query_dim, config.image_emb_dim)

    def forward(self, query_XQF: Tensor, keys_XPF: Tensor, *, implementation: str) -> Tensor:
        """Return (X, Q, E): each of Q positions attends to all P positions of its row."""
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(implementation, eager_attention_forward)
        query_XHQG, key_XHPG, value_XHPG = (
            projected.view(*projected.shape[:2], -1, self.head_dim).transpose(1, 2)
            for projected in (self.wq(query_XQF), self.wk(keys_XPF), self.wv(keys_XPF))
        )
        attended_XQHG, _ = attend(self, query_XHQG, key_XHPG, value_XHPG, None, scaling=self.scaling, dropout=0.0)
        return self.wo(attended_XQHG.flatten(2))  # type: ignore[no-any-return]


class MolmoVisionMLP(nn.Module):
    """The MLP of a block of the tower."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.image_emb_dim, config.image_mlp_dim)
        self.act = ACT2FN[config.image_mlp_activations]
        self.w2 = nn.Linear(config.image_mlp_dim, config.image_emb_dim)

    def forward(self, hidden_CLE: Tensor) -> Tensor:
        """Return (C, L, E)."""
        return self.w2(self.act(self.w1(hidden_CLE)))  # type: ignore[no-any-return]


class MolmoVisionBlock(GradientCheckpointingLayer):  # type: ignore[misc]
    """A pre-norm block of the tower."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        self.config = config
        self.attention = MolmoVisionAttention(config, config.image_emb_dim)
        self.feed_forward = MolmoVisionMLP(config)
        self.attention_norm = nn.LayerNorm(config.image_emb_dim, eps=config.image_norm_eps)
        self.ffn_norm = nn.LayerNorm(config.image_emb_dim, eps=config.image_norm_eps)

    def forward(self, hidden_CLE: Tensor) -> Tensor:
        """Return (C, L, E)."""
        normed_CLE = self.attention_norm(hidden_CLE)
        attended_CLE = self.attention(normed_CLE, normed_CLE, implementation=self.config._attn_implementation)
        hidden_CLE = hidden_CLE + attended_CLE
        return hidden_CLE + self.feed_forward(self.ffn_norm(hidden_CLE))  # type: ignore[no-any-return]


class MolmoVisionTransformer(nn.Module):
    """OpenAI's CLIP tower without its last block and last norm."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        width = config.image_emb_dim
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty(config.image_num_pos, width))
        self.patch_embedding = nn.Linear(3 * config.image_patch_size**2, width, bias=False)
        self.pre_ln = nn.LayerNorm(width, eps=config.image_norm_eps)
        blocks = nn.ModuleList(MolmoVisionBlock(config) for _ in range(config.image_num_layers))
        self.transformer = nn.ModuleDict({"resblocks": blocks})

    @property
    def resblocks(self) -> nn.ModuleList:
        """The blocks, first to last."""
        return cast(nn.ModuleList, self.transformer["resblocks"])

    def forward(self, crops_CNI: Tensor, *, keep: set[int]) -> dict[int, Tensor]:
        """Return the states in ``keep``, each (C, L, E): 0 is the input of the first block, n the output of the nth."""
        patches_CNE = self.patch_embedding(crops_CNI.to(self.class_embedding.dtype))
        class_C1E = self.class_embedding.expand(len(patches_CNE), 1, -1)
        hidden_CLE = self.pre_ln(torch.cat([class_C1E, patches_CNE], 1) + self.positional_embedding)
        kept = {0: hidden_CLE} if 0 in keep else {}
        for index, block in enumerate(self.resblocks, start=1):
            hidden_CLE = block(hidden_CLE)
            if index in keep:
                kept[index] = hidden_CLE
        return kept


class MolmoImageProjector(nn.Module):
    """The gated MLP from the tower's width to the language model's."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        inner = config.intermediate_size // 2
        self.w1 = nn.Linear(config.image_emb_dim, inner, bias=False)
        self.w2 = nn.Linear(inner, config.hidden_size, bias=False)
        self.w3 = nn.Linear(config.image_emb_dim, inner, bias=False)

    def forward(self, pooled_BTKE: Tensor) -> Tensor:
        """Return (B, T, K, D)."""
        gate = nn.functional.silu(self.w1(pooled_BTKE))
        return self.w2(gate * self.w3(pooled_BTKE))  # type: ignore[no-any-return]


class MolmoVisionBackbone(nn.Module):
    """The encoder from crops to features, which are added to the embeddings of a sequence."""

    def __init__(self, config: MolmoConfig) -> None:
        super().__init__()
        self.config = config
        self.taps = [layer % config.image_num_layers + 1 for layer in config.vit_layers]
        width = config.image_emb_dim * len(self.taps)
        self.image_vit = MolmoVisionTransformer(config)
        self.image_pooling_2d = MolmoVisionAttention(config, width)
        self.image_projector = MolmoImageProjector(config)
        self.pad_embed = nn.Parameter(torch.empty(2, width))

    def forward(
        self, images_BTNI: Tensor, image_masks_BTN: Tensor | None = None, *, output_hidden_states: bool = False
    ) -> tuple[Tensor, tuple[Tensor, ...] | None]:
        """Encode crops.

        Args:
            images_BTNI: Crops in patches, `PADDING` for the padding of sequences with fewer crops.
            image_masks_BTN: Each patch's fraction of real pixels, from the processor; `None` if all are real.
            output_hidden_states: Whether to return the tower's hidden states too.

        Returns:
            Features (B, T, K, D), and the states of the crops that are not padding: the first block's input and
            every block's output, each (C, L, E).
        """
        crops_CNI = images_BTNI.flatten(0, 1)
        real_C = (crops_CNI != PADDING).flatten(1).any(1)
        keep = set(range(self.config.image_num_layers + 1)) if output_hidden_states else set(self.taps)
        features_CNF = self.pad_embed.new_zeros(*crops_CNI.shape[:2], self.pad_embed.shape[1])
        states: dict[int, Tensor] = {}
        if real_C.any():  # transformers' attention does not accept an empty batch
            states = self.image_vit(crops_CNI[real_C], keep=keep)
            tapped_CNF = torch.cat([states[tap][:, 1:] for tap in self.taps], -1)
            features_CNF = features_CNF.index_put((real_C,), tapped_CNF.to(features_CNF.dtype))
        if image_masks_BTN is not None:
            features_CNF = features_CNF + self._pad_embedding(image_masks_BTN.flatten(0, 1)[..., None])
        pooled_W1E = self._pool(features_CNF)
        pooled_BTKE = pooled_W1E.view(*images_BTNI.shape[:2], -1, pooled_W1E.shape[-1])
        hidden_states = tuple(states.values()) if output_hidden_states else None
        return self.image_projector(pooled_BTKE), hidden_states

    def _pad_embedding(self, masks_CN1: Tensor) -> Tensor:
        """Return the embedding added to fully padded patches, and to partly padded ones."""
        none_CN1, some_CN1 = masks_CN1 == 0, (masks_CN1 < 1) & (masks_CN1 != 0)
        return self.pad_embed[0] * none_CN1 + self.pad_embed[1] * some_CN1

    def _pool(self, features_CNF: Tensor) -> Tensor:
        """Return (W, 1, E): the mean of each window is the query, its four patches are keys and values."""
        rows, columns = self.config.image_grid
        width = features_CNF.shape[-1]
        grid_CYXF = features_CNF.view(-1, rows, columns, width)
        grid_CYXF = nn.functional.pad(grid_CYXF, (0, 0, 0, columns % 2, 0, rows % 2))
        windows_CYX22F = grid_CYXF.view(-1, (rows + 1) // 2, 2, (columns + 1) // 2, 2, width).transpose(2, 3)
        windows_W4F = windows_CYX22F.reshape(-1, 4, width)
        # With four keys per query a fused kernel saves nothing, and the number of windows may exceed its grid.
        return self.image_pooling_2d(windows_W4F.mean(1, keepdim=True), windows_W4F, implementation="eager")  # type: ignore[no-any-return]


def init_vision_weights(module: nn.Module, normal: Any) -> None:
    """Initialize the parameters outside of layers, by ``normal``."""
    if isinstance(module, MolmoVisionTransformer):
        normal(module.class_embedding)
        normal(module.positional_embedding)
    elif isinstance(module, MolmoVisionBackbone):
        normal(module.pad_embed)
