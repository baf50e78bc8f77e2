"""Patch embeddings in their fast form give what the convolution gives, and keep its weights."""

import torch
from torch import nn

from ninefold.models.compute.patch_embedding import flatten_patch_embeddings


def test_a_matrix_product_gives_what_the_convolution_gives() -> None:
    torch.manual_seed(0)
    films, pictures = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4), bias=False), nn.Conv2d(3, 8, 4, 4, bias=False)
    patches, picture = torch.randn(5, 3, 2, 4, 4), torch.randn(2, 3, 12, 8)
    before = films(patches), pictures(picture)
    model = nn.ModuleList([films, pictures, nn.Conv2d(3, 8, 3, bias=False)])
    names = list(model.state_dict())
    flatten_patch_embeddings(model, whole_images=True)
    assert [type(module).__name__ for module in model] == ["PatchConv3d", "PatchConv2d", "Conv2d"]
    torch.testing.assert_close(films(patches), before[0], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(pictures(picture), before[1], rtol=1e-5, atol=1e-6)
    assert list(model.state_dict()) == names


def test_whole_films_are_left_to_the_convolution() -> None:
    films = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4), bias=False)
    whole = torch.randn(1, 3, 4, 8, 8)
    before = films(whole)
    flatten_patch_embeddings(films)
    torch.testing.assert_close(films(whole), before)
