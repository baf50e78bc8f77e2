"""Private surfaces of transformers that ninefold relies on: all of them, so that an upgrade is checked in one place."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from functools import cache, wraps
from typing import Any

from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.auto.processing_auto import PROCESSOR_MAPPING

CACHE = "cache" if "cache" in {field.name for field in fields(CausalLMOutputWithPast)} else "past_key_values"
"""What a KV cache is called in calls of transformers and in their outputs: "cache" from 5.24 on."""


def takes_cache(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Let the ``forward(cache=...)`` of a port be called by the older name of a KV cache, too.

    Relies on `generate` passing its cache under the name `CACHE`, and looking it up in the signature.
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


def processor_class(config: Any) -> Any | None:
    """Return the processor class that transformers, or a port, registers for a configuration; ``None`` without one.

    Relies on ``PROCESSOR_MAPPING``, from configuration classes to processor classes.
    """
    return PROCESSOR_MAPPING.get(type(config), None)


def takes_video(known: Any) -> bool:
    """Whether a processor class has a video half. Relies on ``ProcessorMixin.get_attributes``."""
    return "video_processor" in known.get_attributes()


@cache
def without_video(known: Any) -> Any:
    """Return a processor class without its video half, the only part that cannot be built without torchvision.

    Relies on ``ProcessorMixin.get_attributes``, the names of the parts that ``from_pretrained`` opens.
    """
    attributes = [name for name in known.get_attributes() if name != "video_processor"]

    class WithoutVideo(known):  # type: ignore[misc]
        __init__ = known.__init__

        @classmethod
        def get_attributes(cls) -> list[str]:
            return attributes

        # The class stands in no module, by whose name pickle would find it.
        def __reduce__(self) -> tuple[Any, ...]:
            return _rebuilt, (known, self.__dict__)

    WithoutVideo.__name__ = known.__name__
    return WithoutVideo


def _rebuilt(known: Any, state: dict[str, Any]) -> Any:
    processor = without_video(known)
    rebuilt = processor.__new__(processor)
    rebuilt.__dict__.update(state)
    return rebuilt
