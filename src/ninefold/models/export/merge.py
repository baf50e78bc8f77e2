"""The merging of an adapter into its base: in single precision, module by module, then rounded to the stored types."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft.tuners.tuners_utils import BaseTunerLayer

from ninefold.errors import ModelError
from ninefold.models import compat
from ninefold.models.checkpoint.adapter import method, shared_targets
from ninefold.models.checkpoint.messages import explained, quiet
from ninefold.models.export.stored import StoredTensor

INSTEAD = "export the adapter itself, with --to peft"
"""What to do about an adapter that cannot be merged."""


def places(network: Any, names: set[str], stored: Mapping[str, StoredTensor]) -> dict[str, StoredTensor]:
    """Return the place in the files of each tensor of a network that an adapter may change.

    Args:
        network: The base, as opened.
        names: Names of these tensors in the network.
        stored: The tensors in the files, by their names there.

    Raises:
        ModelError: If one is stored quantized, or in a type that the network does not hold exactly.
    """
    tensors = network.state_dict()
    found = {}
    for name, in_file in compat.checkpoint_names(network, tensors).items():
        if name not in names or in_file not in stored:
            continue
        place, computed = stored[in_file], tensors[name].dtype
        if place.dtype is None:
            raise ModelError(f"{place.file}: {in_file} is quantized, and nothing can be merged into it; {INSTEAD}")
        if torch.promote_types(place.dtype, computed) != computed:
            raise ModelError(
                f"{place.file}: {in_file} is stored in {_name(place.dtype)}, which {_name(computed)} does not hold "
                f"exactly; name --dtype {_name(torch.promote_types(place.dtype, computed))}"
            )
        if place.shape == tuple(tensors[name].shape):
            found[name] = place
    return found


def merge(tuned: Any, folder: Path, found: Mapping[str, StoredTensor]) -> Any:
    """Merge an adapter into its base, and return the network without it, its weights as they will be stored.

    Each module is merged in single precision: added in half precision, an update would be rounded before it is added.
    Its memory, of one module, is all that this needs.

    Args:
        tuned: The base with the adapter beside its weights, which is changed.
        folder: The adapter's folder.
        found: The place of each tensor that it may change, from `places`.

    Raises:
        ModelError: If an adapted weight is shared with another module, or PEFT cannot merge the adapter's method.
    """
    if shared := shared_targets(tuned):
        raise ModelError(
            f"{folder}: adapts {shared[0]}, whose weight another module shares, so merging would change both; {INSTEAD}"
        )
    with (
        explained(f"{folder}: PEFT does not merge {method(tuned)}; {INSTEAD}"),
        quiet(),
        torch.no_grad(),
        warnings.catch_warnings(),
    ):
        # Of layers that are merged already: the last step only takes the adapter off.
        warnings.simplefilter("ignore")
        for layer in tuned.modules():
            if isinstance(layer, BaseTunerLayer):
                _merge_one(layer)
        network = tuned.merge_and_unload().eval()
        tensors = network.state_dict()
        for name, place in found.items():
            tensors[name].copy_(tensors[name].to(place.dtype))
    return network


def changed(network: Any, names: set[str], found: Mapping[str, StoredTensor]) -> dict[str, torch.Tensor]:
    """Return the tensors of a merged network that differ from the files, by their names there, in the stored types.

    Args:
        network: The merged network.
        names: Names of the tensors that the adapter may change.
        found: The place of each of them in the files.

    Raises:
        ModelError: If the files have no place for one.
    """
    tensors = network.state_dict()
    new = {}
    for name in sorted(names & tensors.keys()):
        place = found.get(name)
        if place is None or place.shape != tuple(tensors[name].shape):
            raise ModelError(
                f"{name}: the adapter changes it, and the base stores no tensor of its own for it (it is shared with "
                f"another, or of another shape); {INSTEAD}"
            )
        values = tensors[name].to(place.dtype)
        if not torch.equal(values.cpu(), place.read()):
            new[place.name] = values
    return new


def _merge_one(layer: Any) -> None:
    base = layer.get_base_layer()
    types = {name: weight.dtype for name, weight in base.named_parameters()}
    base.to(torch.float32)
    layer.merge()
    for name, weight in base.named_parameters():
        weight.data = weight.data.to(types.get(name, weight.dtype))


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
