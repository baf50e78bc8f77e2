"""Native classes for checkpoints that transformers lacks; importing this registers them with its Auto classes."""

from ninefold.models.ports import llava_onevision_1_5, molmo

__all__ = ["llava_onevision_1_5", "molmo"]
