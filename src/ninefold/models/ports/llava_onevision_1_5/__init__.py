"""LLaVA-OneVision-1.5 (lmms-lab/LLaVA-OneVision-1.5-8B-Instruct) in classes of transformers, registered on import."""

from transformers import (
    AutoConfig,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    Qwen2Tokenizer,
)
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import PrefixChange, WeightRenaming

from ninefold.models.ports.llava_onevision_1_5.configuration import (
    LlavaOnevision15Config,
    LlavaOnevision15TextConfig,
    LlavaOnevision15VisionConfig,
)
from ninefold.models.ports.llava_onevision_1_5.modeling import (
    LlavaOnevision15ForConditionalGeneration,
    LlavaOnevision15Model,
)
from ninefold.models.ports.llava_onevision_1_5.processing import (
    LlavaOnevision15ImageProcessor,
    LlavaOnevision15Processor,
)
from ninefold.models.ports.llava_onevision_1_5.vision import RiceVisionModel

for _config in (LlavaOnevision15Config, LlavaOnevision15TextConfig, LlavaOnevision15VisionConfig):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
AutoModel.register(LlavaOnevision15Config, LlavaOnevision15Model, exist_ok=True)
AutoModel.register(LlavaOnevision15VisionConfig, RiceVisionModel, exist_ok=True)
AutoModelForImageTextToText.register(LlavaOnevision15Config, LlavaOnevision15ForConditionalGeneration, exist_ok=True)
AutoImageProcessor.register(
    LlavaOnevision15Config, image_processor_classes={"pil": LlavaOnevision15ImageProcessor}, exist_ok=True
)
AutoTokenizer.register(LlavaOnevision15Config, Qwen2Tokenizer, exist_ok=True)
AutoProcessor.register(LlavaOnevision15Config, LlavaOnevision15Processor, exist_ok=True)

# Checkpoints use the names visual.*, model.* and lm_head.weight; the classes use model.visual.* and
# model.language_model.*. Both can be loaded; the checkpoints' names are written.
register_checkpoint_conversion_mapping(
    LlavaOnevision15ForConditionalGeneration.__name__,
    [
        WeightRenaming(r"^visual", "model.visual"),
        WeightRenaming(r"^model(?!\.(language_model|visual))", "model.language_model"),
    ],
    overwrite=True,
)
register_checkpoint_conversion_mapping(
    LlavaOnevision15Model.__name__,
    [PrefixChange(prefix_to_add="language_model", model_prefix="model")],
    overwrite=True,
)
