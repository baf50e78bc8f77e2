"""Every shape by its family: the one line where a new one is listed."""

from ninefold.nano.architecture import Shape
from ninefold.nano.architectures import llava, llava_next, llava_onevision, molmo, qwen2_vl

SHAPES: dict[str, Shape] = {
    shape.family: shape for shape in (llava.SHAPE, llava_next.SHAPE, llava_onevision.SHAPE, molmo.SHAPE, qwen2_vl.SHAPE)
}
"""The shapes that talk, the first base's first."""
