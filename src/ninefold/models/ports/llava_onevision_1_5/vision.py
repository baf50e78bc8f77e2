"""RICE, the vision tower of LLaVA-OneVision-1.5, with the merger from patches to features of the language model.

Attention functions, rotary embedding and MLP are those of transformers.

Axes: I images, P patches of all of them, T the same with a class token before those of each frame, D width, A rotary
angles (half a head), H heads, K width of a head, N frames of equal size, L tokens of one frame, M merged patches,
V values of a patch, in C channels, Y rows and X columns.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, ClassVar

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.activations import ACT2FN
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_outputs import BaseModelOutputWithPooling
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.qwen2_vl.modeling_qwen2_vl import (
    VisionMlp,
    apply_rotary_pos_emb_vision,
    eager_attention_forward,
)
from transformers.utils.output_capturing import capture_outputs

from ninefold.models.ports.llava_onevision_1_5.configuration import LlavaOnevision15VisionConfig

Rotation = tuple[torch.Tensor, torch.Tensor]
"""Cosines and sines (T, K) of every token's angles."""

Runs = Sequence[tuple[int, int]]
"""Consecutive frames of equal size: the number of frames, and the tokens of each."""


class RicePatchEmbed(nn.Module):
    """The embedding of flat patches of pixels, in channel, row, column order."""

    def __init__(self, config: LlavaOnevision15VisionConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(config.in_channels, config.embed_dim, config.patch_size, config.patch_size, bias=False)

    def forward(self, pixels_PV: torch.Tensor) -> torch.Tensor:
        """Return (P, D)."""
        # The convolution has a single output position: a matrix product is much faster.
        weight_DV = self.proj.weight.flatten(1)
        return nn.functional.linear(pixels_PV.to(weight_DV.dtype).reshape(-1, weight_DV.shape[1]), weight_DV)


class RiceAttention(nn.Module):
    """Full attention within each frame, its class token included, and none between frames."""

    # Attributes that transformers' attention functions require of a module.
    is_causal = False
    num_key_value_groups = 1

    def __init__(self, config: LlavaOnevision15VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.num_heads = config.num_heads
        self.scaling = (config.embed_dim // config.num_heads) ** -0.5
        self.qkv = nn.Linear(config.embed_dim, 3 * config.embed_dim)
        self.proj = nn.Linear(config.embed_dim, config.embed_dim)

    def forward(self, hidden_TD: torch.Tensor, rotation: Rotation, runs: Runs) -> torch.Tensor:
        """Return (T, D)."""
        query_THK, key_THK, value_THK = self.qkv(hidden_TD).view(len(hidden_TD), 3, self.num_heads, -1).unbind(1)
        query_THK, key_THK = apply_rotary_pos_emb_vision(query_THK, key_THK, *rotation)
        attend = ALL_ATTENTION_FUNCTIONS.get_interface(self.config._attn_implementation, eager_attention_forward)

        # Frames of equal size are a batch, without mask or padding: any attention function works.
        sizes = [count * length for count, length in runs]
        seen_THK = []
        for (count, _), *parts in zip(runs, *(x.split(sizes) for x in (query_THK, key_THK, value_THK)), strict=True):
            batch_NHLK = [part.unflatten(0, (count, -1)).transpose(1, 2) for part in parts]
            seen_NLHK, _ = attend(self, *batch_NHLK, None, scaling=self.scaling, dropout=0.0, is_causal=False)
            seen_THK.append(seen_NLHK.flatten(0, 1))
        out_TD: torch.Tensor = self.proj(torch.cat(seen_THK).flatten(1))
        return out_TD


class RiceBlock(GradientCheckpointingLayer):  # type: ignore[misc]
    """A pre-norm transformer block."""

    def __init__(self, config: LlavaOnevision15VisionConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.embed_dim, config.layer_norm_eps)
        self.norm2 = nn.LayerNorm(config.embed_dim, config.layer_norm_eps)
        self.attn = RiceAttention(config)
        self.mlp = VisionMlp(config.embed_dim, config.intermediate_size, config.hidden_act)

    def forward(self, hidden_TD: torch.Tensor, rotation: Rotation, runs: Runs) -> torch.Tensor:
        """Return (T, D)."""
        hidden_TD = hidden_TD + self.attn(self.norm1(hidden_TD), rotation, runs)
        return hidden_TD + self.mlp(self.norm2(hidden_TD))  # type: ignore[no-any-return]


class RicePatchMerger(nn.Module):
    """The merger of neighboring patches, which are consecutive, into one feature of the language model's width."""

    def __init__(self, config: LlavaOnevision15VisionConfig) -> None:
        super().__init__()
        self.width = config.embed_dim * config.spatial_merge_size**2
        self.ln_q = nn.LayerNorm(config.embed_dim, config.layer_norm_eps)
        self.mlp = nn.Sequential(
            nn.Linear(self.width, self.width), ACT2FN["gelu"], nn.Linear(self.width, config.text_hidden_size)
        )

    def forward(self, patches_PD: torch.Tensor) -> torch.Tensor:
        """Return (M, width of the text)."""
        features_MD: torch.Tensor = self.mlp(self.ln_q(patches_PD).view(-1, self.width))
        return features_MD


class RiceVisionModel(PreTrainedModel):  # type: ignore[misc]
    """The vision tower with its merger; images of any sizes are computed together and do not attend to each other."""

    config: LlavaOnevision15VisionConfig
    config_class = LlavaOnevision15VisionConfig
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = True
    _no_split_modules: ClassVar[list[str]] = ["RiceBlock"]
    _input_embed_layer = "patch_embed"
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True
    _can_record_outputs: ClassVar[dict[str, type]] = {"hidden_states": RiceBlock}

    def __init__(self, config: LlavaOnevision15VisionConfig) -> None:
        super().__init__(config)
        self.patch_embed = RicePatchEmbed(config)
        self.class_embedding = nn.Parameter(torch.zeros(config.embed_dim))
        self.class_pos_emb = nn.Parameter(torch.zeros(1, config.embed_dim // config.num_heads // 2))
        self.pre_layernorm = nn.LayerNorm(config.embed_dim, config.layer_norm_eps)
        self.blocks = nn.ModuleList(RiceBlock(config) for _ in range(config.depth))
        self.merger = RicePatchMerger(config)
        self.post_init()

    @capture_outputs(tie_last_hidden_states=False)  # type: ignore[untyped-decorator]
    def forward(self, pixel_values: torch.Tensor, grid_thw: torch.Tensor, **_: Any) -> BaseModelOutputWithPooling:
        """Encode images.

        Args:
            pixel_values: Patches (P, channels x rows x columns), merged neighbors one after another.
            grid_thw: Frames, rows and columns of patches of every image, (I, 3).

        Returns:
            ``last_hidden_state`` (P, D) without class tokens, ``pooler_output`` (M, width of the text).

        Raises:
            ValueError: If patches and grids do not fit together.
        """
        grids = [(rows, columns) for frames, rows, columns in grid_thw.tolist() for _ in range(frames)]
        self._check(pixel_values, grids)
        sizes = [rows * columns for rows, columns in grids]
        hidden_TD = _with_first(self.class_embedding[None], self.patch_embed(pixel_values), sizes)
        # Always in single precision: angles reach a hundred radians.
        angles_TA = _with_first(self.class_pos_emb.float(), self.angles(grids), sizes)
        angles_TK = torch.cat([angles_TA, angles_TA], -1)
        rotation = angles_TK.cos(), angles_TK.sin()
        runs = [(len(list(run)), size + 1) for size, run in groupby(sizes)]

        hidden_TD = self.pre_layernorm(hidden_TD)
        for block in self.blocks:
            hidden_TD = block(hidden_TD, rotation, runs)
        patches_PD = torch.cat([frame[1:] for frame in torch.split(hidden_TD, [size + 1 for size in sizes])])
        return BaseModelOutputWithPooling(last_hidden_state=patches_PD, pooler_output=self.merger(patches_PD))

    def angles(self, grids: Sequence[tuple[int, int]]) -> torch.Tensor:
        """Return the rotary angles (P, A) of frames' patches: half of them by row, half by column."""
        config, device = self.config, self.class_pos_emb.device
        width = config.embed_dim // config.num_heads // 2
        rates = 1 / config.rope_theta ** (torch.arange(0, width, 2, dtype=torch.float, device=device) / width)
        positions = {grid: _patch_positions(grid, config.spatial_merge_size).to(device) for grid in set(grids)}
        return torch.cat([(positions[grid][..., None] * rates).flatten(1) for grid in grids])

    def _check(self, pixel_values: torch.Tensor, grids: Sequence[tuple[int, int]]) -> None:
        values = self.config.in_channels * self.config.patch_size**2
        if pixel_values.shape[-1] != values:
            raise ValueError(
                f"pixel_values have {pixel_values.shape[-1]} values a patch and not {values}; "
                "prepare images with temporal_patch_size 1"
            )
        merge = self.config.spatial_merge_size
        if odd := next((grid for grid in grids if grid[0] % merge or grid[1] % merge), None):
            raise ValueError(f"image_grid_thw: {odd[0]} x {odd[1]} patches cannot be merged by {merge} x {merge}")
        if (patches := sum(rows * columns for rows, columns in grids)) != len(pixel_values):
            raise ValueError(f"pixel_values hold {len(pixel_values)} patches, image_grid_thw tells of {patches}")

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, RiceVisionModel):
            for parameter in (module.class_embedding, module.class_pos_emb):
                init.normal_(parameter, std=self.config.initializer_range)


def _with_first(first: torch.Tensor, rest: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Return the rows (P, any) with a row (1, any) inserted before those of each frame."""
    return torch.cat([rows for frame in torch.split(rest, list(sizes)) for rows in (first, frame)])


def _patch_positions(grid: tuple[int, int], merge: int) -> torch.Tensor:
    """Return row and column of the patches of one frame, (P, 2), merged neighbors one after another."""
    rows, columns = grid
    positions_P2 = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
    return positions_P2.view(rows // merge, merge, columns // merge, merge, 2).transpose(1, 2).reshape(-1, 2)
