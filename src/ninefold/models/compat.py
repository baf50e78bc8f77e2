"""Private surfaces of transformers that ninefold relies on: all of them, so that an upgrade is checked in one place."""

from functools import cache
from typing import Any

from transformers.models.auto.processing_auto import PROCESSOR_MAPPING


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
