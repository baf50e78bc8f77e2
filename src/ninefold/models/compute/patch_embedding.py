"""Patch embeddings as matrix products: the same as a convolution with stride = kernel size, but much faster."""

from torch import Tensor, nn
from torch.nn import functional

from ninefold.models import compat


class PatchConv2d(nn.Conv2d):
    """The patch embedding of whole images."""

    def forward(self, pixels_BCHW: Tensor) -> Tensor:
        """Return embeddings (B, D, rows, columns)."""
        b, c, h, w = pixels_BCHW.shape
        p = self.kernel_size[0]
        patches = pixels_BCHW.reshape(b, c, h // p, p, w // p, p).permute(0, 2, 4, 1, 3, 5).flatten(3)
        return functional.linear(patches, self.weight.flatten(1)).permute(0, 3, 1, 2)


class PatchConv3d(nn.Conv3d):
    """The patch embedding of precut patches of several frames."""

    def forward(self, patches_NCFHW: Tensor) -> Tensor:
        """Return embeddings (N, D, 1, 1, 1)."""
        if patches_NCFHW.shape[2:] != self.kernel_size:  # whole videos
            return super().forward(patches_NCFHW)
        return functional.linear(patches_NCFHW.flatten(1), self.weight.flatten(1))[:, :, None, None, None]


def flatten_patch_embeddings(model: nn.Module, *, whole_images: bool = False) -> None:
    """Replace the classes of a model's patch embeddings by the fast ones; weights and their names stay the same.

    Args:
        model: The network, changed in place.
        whole_images: Whether to use `PatchConv2d` as well; its convolution is slow only in the backward pass.
    """
    flat: dict[type[nn.Module], type[nn.Module]] = {nn.Conv3d: PatchConv3d}
    if whole_images:
        flat[nn.Conv2d] = PatchConv2d
    for module in list(model.modules()):
        whole = getattr(module, "kernel_size", None) == getattr(module, "stride", ())
        if type(module) in flat and whole and getattr(module, "bias", None) is None:
            compat.set_class(module, flat[type(module)])
