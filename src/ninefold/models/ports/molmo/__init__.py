"""Molmo v1, which transformers has no class for; importing this registers it with the Auto classes."""

from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)

from ninefold.models import compat
from ninefold.models.ports.molmo.backbone import MolmoModel
from ninefold.models.ports.molmo.configuration import MolmoConfig
from ninefold.models.ports.molmo.image_processing import MolmoImageProcessor
from ninefold.models.ports.molmo.modeling import MolmoForConditionalGeneration
from ninefold.models.ports.molmo.processing import MolmoProcessor
from ninefold.models.ports.molmo.tokenization import MolmoTokenizer

__all__ = ["MolmoConfig", "MolmoForConditionalGeneration", "MolmoImageProcessor", "MolmoModel", "MolmoProcessor"]

AutoConfig.register(MolmoConfig.model_type, MolmoConfig, exist_ok=True)
AutoModel.register(MolmoConfig, MolmoModel, exist_ok=True)
AutoModelForImageTextToText.register(MolmoConfig, MolmoForConditionalGeneration, exist_ok=True)
AutoImageProcessor.register(MolmoConfig, image_processor_classes={"pil": MolmoImageProcessor}, exist_ok=True)
AutoProcessor.register(MolmoConfig, MolmoProcessor, exist_ok=True)
AutoTokenizer.register(MolmoConfig, MolmoTokenizer, exist_ok=True)
# For models of remote code, transformers opens only a tokenizer.json.
compat.register_tokenizer(MolmoConfig.model_type, MolmoTokenizer)
