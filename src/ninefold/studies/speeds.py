"""Measured speeds and sizes, from which the time and disk of a study are estimated (performance/RESULTS.md)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MB = 1e6


@dataclass(frozen=True)
class Speed:
    """The measured speed of a family's models."""

    trained: float
    """Examples a second in training, with LoRA in vision and language."""
    evaluated: float
    """Questions a second in evaluation, one question per image."""
    adapter: float
    """Bytes of an adapter of rank 32."""
    machine: str
    """Machine on which it was measured."""
    source: str
    """Kind of figure: measured, or scaled from a measured model by its arithmetic."""


_H100, _MEASURED, _SCALED = "one H100", "measured", "scaled from Qwen2-VL by its arithmetic"

SPEEDS: Mapping[str, Speed] = MappingProxyType(
    {
        "nano": Speed(30, 145, 1.6 * MB, "2 CPU cores", _MEASURED),
        "qwen2-vl": Speed(9.5, 17.8, 76 * MB, _H100, _MEASURED),
        "llava-next": Speed(2.8, 8.4, 120 * MB, _H100, "evaluation measured, training scaled by its arithmetic"),
        "llava-onevision": Speed(9.3, 17, 97 * MB, _H100, _SCALED),
        "molmo": Speed(5.9, 11, 85 * MB, _H100, _SCALED),
        "clip": Speed(90, 300, 26 * MB, _H100, _SCALED),
    }
)
"""Speeds by family."""

BYTES: Mapping[str, float] = MappingProxyType({"scene": 1_900, "photo": 90_000, "answer": 60})
"""Bytes on disk: of a synthetic question with its image, of a photo or a question about one, of an answer."""

PHOTO_QUESTIONS: Mapping[str, float] = MappingProxyType(
    {"nano": 5.86, "instances_train2017.json": 201_358, "instances_val2017.json": 8_548}
)
"""Number of questions: about each image of a nano world, and about COCO's photos (Rizzoli et al. 2025, section 3)."""
