"""A LLaVA of the real classes with random weights: CLIP vision tower, Llama decoder, byte-level BPE."""

from itertools import islice
from pathlib import Path

from ninefold.data.synthetic import SyntheticSpec, examples
from ninefold.types import Example

IMAGE_TOKEN = "<image>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CORPUS = (
    "Answer with as few words as possible. Where is the red square? Choose from [top left, top center, top right, "
    "center left, center, center right, bottom left, bottom center, bottom right]. "
    "green blue cyan magenta yellow white circle triangle star plus person"
)


def save_tiny_llava(folder: Path, *, image: int = 56, patch: int = 14, hidden: int = 32, layers: int = 2) -> None:
    """Write a checkpoint that plain ``AutoProcessor`` and ``AutoModelForImageTextToText`` open."""
    import torch
    from transformers import (
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    tokenizer = _tokenizer()
    image_processor = CLIPImageProcessorPil(
        size={"height": image, "width": image}, do_center_crop=False, crop_size={"height": image, "width": image}
    )
    processor = LlavaProcessor(
        image_processor,
        tokenizer,
        patch_size=patch,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHAT_TEMPLATE,
        image_token=IMAGE_TOKEN,
    )
    sizes = {"hidden_size": hidden, "intermediate_size": 2 * hidden, "num_hidden_layers": layers}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, num_attention_heads=2, image_size=image, patch_size=patch),
        text_config=LlamaConfig(
            **sizes,
            num_attention_heads=2,
            vocab_size=len(tokenizer),
            max_position_embeddings=512,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids(IMAGE_TOKEN),
        vision_feature_layer=-1,
        vision_feature_select_strategy="default",
        tie_word_embeddings=False,
    )
    generator_state = torch.get_rng_state()
    torch.manual_seed(0)
    model = LlavaForConditionalGeneration(config)
    torch.set_rng_state(generator_state)
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _tokenizer():  # type: ignore[no-untyped-def]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<pad>", "<|end|>", "<|user|>", "<|assistant|>", IMAGE_TOKEN]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([CORPUS] * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<|end|>")


def some_examples(count: int) -> list[Example]:
    """Return examples of the synthetic test set, spread over its looks, cells and option orders."""
    every = examples(SyntheticSpec(split="test", canvas=96))["test"]
    return list(islice(every, 0, None, 3888 // count))[:count]
