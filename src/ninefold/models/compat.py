"""All private interfaces of transformers and torch that models rely on; to be checked at every upgrade."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache, wraps
from typing import Any

import torch
from transformers.core_model_loading import revert_weight_conversion
from transformers.image_processing_backends import PilBackend
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING
from transformers.models.auto.tokenization_auto import TOKENIZER_MAPPING_NAMES

CACHE = "cache" if "cache" in {field.name for field in fields(CausalLMOutputWithPast)} else "past_key_values"
"""The name of the KV cache in calls and outputs of models: "cache" from transformers 5.24 on."""


def takes_cache(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return a port's ``forward(cache=...)`` that also accepts the older name of the KV cache.

    Relies on `generate` passing its cache under the name `CACHE`, found in the signature.
    """

    @wraps(forward)
    def either(*args: Any, **kwargs: Any) -> Any:
        if "past_key_values" in kwargs:
            kwargs["cache"] = kwargs.pop("past_key_values")
        return forward(*args, **kwargs)

    signature = inspect.signature(forward)
    named = [each.replace(name=CACHE) if name == "cache" else each for name, each in signature.parameters.items()]
    either.__signature__ = signature.replace(parameters=named)  # type: ignore[attr-defined]
    return either


def position_ids(network: Any, inputs: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the positions of a batch's tokens as `generate` computes them, (B, S), or (N, B, S) with N numbers each.

    Relies on ``_prepare_position_ids_for_generation(input_ids, model_kwargs)``.
    """
    positions: torch.Tensor = network._prepare_position_ids_for_generation(inputs["input_ids"], dict(inputs))
    return positions


def keeps_logits_by_mask(network: Any) -> bool:
    """Whether a network's ``logits_to_keep`` may be a mask of positions, as in nearly all of transformers.

    Relies on such a ``forward`` calling ``slice_logits_to_keep``. Wrappers such as DDP and PEFT are unwrapped.
    """
    while hasattr(network, "module"):
        network = network.module
    bare = network.get_base_model() if hasattr(network, "get_base_model") else network
    return "slice_logits_to_keep" in inspect.unwrap(type(bare).forward).__code__.co_names


def takes_image_features(network: Any) -> bool:
    """Whether a network's ``forward`` takes image features instead of pixels: its argument ``mm_encoder_outputs``."""
    return "mm_encoder_outputs" in inspect.signature(inspect.unwrap(type(network).forward)).parameters


def preprocesses_plainly(image_processor: Any) -> bool:
    """Whether an image processor resizes, crops and normalizes each image as a whole.

    Relies on such a class inheriting ``PilBackend._preprocess``.
    """
    return isinstance(image_processor, PilBackend) and type(image_processor)._preprocess is PilBackend._preprocess


def center_crops(image_processor: Any) -> bool:
    """Whether an image processor cuts the center out of each image. Relies on ``PilBackend.do_center_crop``."""
    return isinstance(image_processor, PilBackend) and bool(image_processor.do_center_crop)


def processor_class(config: Any) -> Any | None:
    """Return the processor class that transformers, or a port, registers for a configuration; ``None`` without one.

    Relies on ``PROCESSOR_MAPPING``, from configuration classes to processor classes.
    """
    return PROCESSOR_MAPPING.get(type(config), None)


def register_tokenizer(model_type: str, tokenizer: type) -> None:
    """Register a port's tokenizer for a model type that `AutoTokenizer` knows only by remote code.

    Relies on ``TOKENIZER_MAPPING_NAMES``, from model types to names of classes.
    """
    TOKENIZER_MAPPING_NAMES[model_type] = tokenizer.__name__


def silence_padding_warning(tokenizer: Any) -> None:
    """Silence a tokenizer's advice to tokenize and pad in one call. Relies on ``deprecation_warnings``."""
    tokenizer.deprecation_warnings["Asking-to-pad-a-fast-tokenizer"] = True


def checkpoint_names(network: Any, tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """Return the name in the checkpoint's files of each tensor of a network that they hold as it is.

    transformers renames tensors while it opens files of other releases; those that it also converts, such as fused
    ones, are left out. Relies on ``revert_weight_conversion`` keeping the tensor that it renames.
    """
    # Tied weights are one tensor: each name gets a tensor object of its own.
    views = {name: tensor.detach() for name, tensor in tensors.items()}
    named = {id(tensor): name for name, tensor in views.items()}
    reverted = revert_weight_conversion(network, views)
    return {named[id(tensor)]: name for name, tensor in reverted.items() if id(tensor) in named}


def takes_video(processor: Any) -> bool:
    """Whether a processor class has a video processor. Relies on ``ProcessorMixin.get_attributes``."""
    return "video_processor" in processor.get_attributes()


@cache
def without_video(processor: Any) -> Any:
    """Return a processor class without its video processor, the only part that cannot be built without torchvision.

    Relies on ``ProcessorMixin.get_attributes``, the names of the parts that ``from_pretrained`` opens.
    """
    attributes = [name for name in processor.get_attributes() if name != "video_processor"]

    class WithoutVideo(processor):  # type: ignore[misc]
        __init__ = processor.__init__

        @classmethod
        def get_attributes(cls) -> list[str]:
            return attributes

        # Pickle cannot find this class, because it is in no module.
        def __reduce__(self) -> tuple[Any, ...]:
            return _rebuilt, (processor, self.__dict__)

    WithoutVideo.__name__ = processor.__name__
    return WithoutVideo


def _rebuilt(processor: Any, state: dict[str, Any]) -> Any:
    known = without_video(processor)
    rebuilt = known.__new__(known)
    rebuilt.__dict__.update(state)
    return rebuilt


def set_class(module: torch.nn.Module, kind: type[torch.nn.Module]) -> None:
    """Replace the class of a module by one with the same attributes; weights and names stay unchanged.

    Relies on torch's modules keeping all attributes in ``__dict__``.
    """
    module.__class__ = kind


def add_forward_pre_hook(module: torch.nn.Module, hook: Callable[..., Any]) -> None:
    """Register a forward pre-hook unless the module has it. Relies on ``_forward_pre_hooks``."""
    if hook not in module._forward_pre_hooks.values():
        module.register_forward_pre_hook(hook)
