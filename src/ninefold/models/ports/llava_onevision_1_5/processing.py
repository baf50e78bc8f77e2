"""The processor of LLaVA-OneVision-1.5: Qwen2-VL's processing, with patches of a single frame.

Released folders name Qwen2.5-VL's processor, which `AutoProcessor` then uses, whatever is registered; it needs
torchvision. `LlavaOnevision15Processor.from_pretrained` and `ninefold.models.checkpoint` open these folders.
"""

from typing import Any, ClassVar

from transformers import BatchFeature, Qwen2VLImageProcessorPil
from transformers.processing_utils import ProcessorMixin

CHAT_TEMPLATE = """\
{%- if messages[0]['role'] != 'system' -%}
    {{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
{%- endif -%}
{%- for message in messages -%}
    {{ '<|im_start|>' + message['role'] + '\\n' }}
    {%- if message['content'] is string -%}
        {{ message['content'] }}
    {%- else -%}
        {%- for part in message['content'] -%}
            {{ '<|vision_start|><|image_pad|><|vision_end|>' if part['type'] == 'image' else part['text'] }}
        {%- endfor -%}
    {%- endif -%}
    {{ '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{ '<|im_start|>assistant\\n' }}
{%- endif -%}
"""
"""ChatML as in Qwen2.5-VL: with a system message, and the image token at the image's position in the message."""


class LlavaOnevision15ImageProcessor(Qwen2VLImageProcessorPil):  # type: ignore[misc]
    """Images resized to multiples of 28 pixels and cut into patches of 14 x 14, by Pillow."""

    # Qwen2-VL's patches span two frames; here the doubled values would silently become twice as many patches.
    temporal_patch_size = 1
    size: ClassVar[dict[str, int]] = {"shortest_edge": 56 * 56, "longest_edge": 1600 * 1600}


class LlavaOnevision15Processor(ProcessorMixin):  # type: ignore[misc]
    """An image processor and a tokenizer; an image token of a text is repeated once per feature of its image."""

    def __init__(self, image_processor: Any = None, tokenizer: Any = None, chat_template: str | None = None) -> None:
        """Combine the two.

        A tokenizer's chat template without images, such as Qwen3's, is not used.
        """
        self.image_token = getattr(tokenizer, "image_token", None) or "<|image_pad|>"
        self.image_token_id = tokenizer.convert_tokens_to_ids(self.image_token)
        if chat_template is None:
            own = tokenizer.chat_template
            chat_template = own if isinstance(own, str) and self.image_token in own else CHAT_TEMPLATE
        super().__init__(image_processor, tokenizer, chat_template=chat_template)

    def __call__(self, images: Any = None, text: Any = None, **kwargs: Any) -> BatchFeature:
        """Encode prompts with their images, as every processor of transformers does.

        Raises:
            ValueError: If images and image tokens are not equally many, which not every version checks.
        """
        if images is not None and text is not None:
            texts = [text] if isinstance(text, str) else list(text)
            tokens = sum(each.count(self.image_token) for each in texts)
            rows = images if isinstance(images, list | tuple) else [images]
            given = sum(len(row) if isinstance(row, list | tuple) else 1 for row in rows)
            if given != tokens:
                raise ValueError(
                    f"the number of images, {given}, is not that of {self.image_token} in the text, {tokens}"
                )
        return super().__call__(images=images, text=text, **kwargs)

    def replace_image_token(self, image_inputs: dict[str, Any], image_idx: int, **_: Any) -> str:
        """Return the image tokens of an image; transformers inserts them for the placeholder in the text."""
        patches = int(image_inputs["image_grid_thw"][image_idx].prod())
        return self.image_token * (patches // self.image_processor.merge_size**2)  # type: ignore[no-any-return]

    @classmethod
    def _get_arguments_from_pretrained(cls, path: Any, processor_dict: Any = None, **kwargs: Any) -> list[Any]:
        # Released folders name Qwen2-VL's image processor, whose default backend resizes differently.
        options = {key: value for key, value in kwargs.items() if key not in ("backend", "trust_remote_code")}
        images = LlavaOnevision15ImageProcessor.from_pretrained(path, **options)
        return [images, cls._load_tokenizer_from_pretrained("tokenizer", path, **kwargs)]
