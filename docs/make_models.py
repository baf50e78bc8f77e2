"""Writes models.md and models.png: prompt and image inputs of each family, by the code that makes them.

    python docs/make_models.py CHECKPOINTS

CHECKPOINTS holds the vocabularies of the releases (see `releases.assemble`); no weights are needed.
"""

import io
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import transformers
from models_figure import draw
from PIL import Image
from releases import Reader, assemble, opened

from ninefold.models.clip.encoder import ClipEncoder
from ninefold.models.families import FAMILIES, GENERIC
from ninefold.models.family import Family
from ninefold.models.protocol import ImageInput
from ninefold.models.vlm.image_input import ImageInputs
from ninefold.questions.prompt import prompt
from ninefold.space import LABELS
from ninefold.store import write_text
from ninefold.types import Example

HERE = Path(__file__).parent
SIZES = ((672, 672), (640, 480), (336, 336))
QUESTION, ANSWER = "Where is the red square?", "top left"

RESOLUTION: Mapping[str, str] = {
    "llava": "The shorter side is resized to 336 and the central square of 336 × 336 is cropped: a quarter of a photo "
    "of 640 × 480 is cut off.",
    "clip": "Every image is resized to 336 × 336, without keeping its aspect ratio. The release crops the central "
    "square; ninefold does not, since the left and right of a photo are asked about.",
    "llava-next": "Fitted into one of 672 × 672, 672 × 336, 336 × 672, 1008 × 336 and 336 × 1008, whichever keeps "
    "most of its resolution, and cut into tiles of 336 × 336; the whole image, resized to one more tile, is the "
    "thumbnail. Image tokens of padding are left out, and one token is added at the end of each row.",
    "llava-onevision": "Both sides are rounded to multiples of 28, up to 2.56 million pixels; every 28 × 28 pixels are "
    "one image token.",
    "molmo": "Fitted into a grid of up to 12 tiles, enlarged rather than shrunk, but as little as possible; tiles "
    "overlap by 112 pixels, and the whole image in one more tile is the thumbnail. Every 28 × 28 pixels are one image "
    "token.",
    "qwen2-vl": "Both sides are rounded to multiples of 28, up to 12.8 million pixels; every 28 × 28 pixels are one "
    "image token.",
}
"""How each family resizes images, in one sentence or two."""

TRAPS: Mapping[str, Sequence[str]] = {
    "llava": ["Objects near the left and the right of a photo may be cropped away."],
    "clip": [
        "Texts have at most 77 tokens; a longer one is refused, never truncated.",
        "The list of options is left out of the texts, since all nine would hold the same list.",
    ],
    "llava-next": [
        "An image of 336 × 336 is padded to 672 × 336 and takes 1,176 image tokens.",
        "Trainers that truncate prompts at 1,024 or 2,048 tokens truncate its images; ninefold truncates nothing.",
        "The release's chat template writes no end of answer; ninefold trains `</s>`.",
    ],
    "llava-onevision": [
        "Not to be confused with `llava-hf/llava-onevision-qwen2-7b-ov-hf`, another model, which needs no port.",
        "The released code assigns wrong image features to all examples of a batch but the first; the port does not.",
        "Patches hold one frame (`temporal_patch_size` 1): Qwen2-VL's default of 2 would silently double them.",
    ],
    "molmo": [
        "The release shifts the mask of padded patches by one crop. The weights learned it that way, and the port "
        "keeps it.",
        "Query, key and value of the language model are one module, so LoRA has one matrix A for the three.",
        "The released tokenizer's chat template is Qwen2's and not Molmo's; the port brings Molmo's own.",
        "7B-O and 7B-D differ in tokenizer and language model; the counts here are those of 7B-D.",
    ],
    "qwen2-vl": [
        "`q_proj, k_proj, v_proj` alone reach the language model only: the vision tower's are one module, `qkv`.",
        "With torchvision installed, transformers resizes differently, by up to 0.23 after normalization on photos; "
        "ninefold always resizes with Pillow.",
    ],
}
"""Known traps of each release that could spoil results."""


def page(readers: Mapping[str, Reader]) -> str:
    """Return the page, given the encoder of each family."""
    parts = [_head(), _table(readers), *(_family(FAMILIES[name], readers[name]) for name in FAMILIES), _others()]
    return "\n".join(parts)


def image_input(reader: Reader, size: tuple[int, int]) -> ImageInput:
    """Return the image input of a family for an image of a size, with the page's question."""
    example = _example(size)
    if isinstance(reader, ClipEncoder):
        longest = max(map(len, reader.texts(example)))
        return ImageInput(size, (reader.side, reader.side), tiles=1, image_tokens=0, prompt_tokens=longest)
    return ImageInputs(reader).image_input(example)


def _head() -> str:
    return f"""# Prompt and image inputs of each model

Written by `docs/make_models.py` with the code that makes the models' inputs and the vocabularies of the releases; a
test keeps it up to date. Counts are for the question

> {_example(SIZES[0]).prompt}

Sizes are what all tiles together cover, padding included. Tiles are the inputs of the vision tower; a thumbnail of the
whole image counts as one. Tokens are the image tokens of the prompt. Every run records the same for its own images in
`sees.json`, and its report shows it; an adapter is refused where the model's image processor has other settings than in
training.

![Two images as each family resizes and tiles them](models.png)

*A synthetic image of 672 × 672 and one of a photo's size, 640 × 480, as the inputs of the vision tower, all at one
scale. Lines are borders of tiles; gray is padding. Thumbnails stand beside.*
"""


def _table(readers: Mapping[str, Reader]) -> str:
    heads = [f"{width} × {height}" for width, height in SIZES]
    lines = [f"| family | {' | '.join(heads)} | whole prompt |", "| --- " * (len(heads) + 2) + "|"]
    for name in FAMILIES:
        sights = [image_input(readers[name], size) for size in SIZES]
        prompts = "9 texts" if FAMILIES[name].kind == "dual" else f"{sights[0].prompt_tokens:,} tokens"
        lines.append(f"| [{name}](#{name}) | {' | '.join(map(_cell, sights))} | {prompts} |")
    return "\n".join(lines) + "\n\nThe whole prompt is that with an image of 672 × 672.\n"


def _cell(sight: ImageInput) -> str:
    assert sight.pixels is not None
    size, tiles = f"{sight.pixels[0]} × {sight.pixels[1]}", f"{sight.tiles} tile{'s' * (sight.tiles > 1)}"
    cut = f", {sight.share:.0%} of it" if sight.share < 1 else ""
    tokens = f", **{sight.image_tokens:,}** tokens" if sight.image_tokens else ""
    return f"{size}{cut}, {tiles}{tokens}"


def _family(family: Family, reader: Reader) -> str:
    own = "of transformers" if hasattr(transformers, family.class_name) else "a port of this package"
    lines = [
        f"## {family.name}\n",
        f"{', '.join(f'`{name}`' for name in family.checkpoints)}; `{family.class_name}`, {own}.\n",
        f"{RESOLUTION[family.name]}\n",
        *_prompt(reader),
        "LoRA adapts the modules whose names match\n",
        *(f"- `{scope}`: `{pattern}`" for scope, pattern in family.scopes.items()),
        "\nGood to know:\n",
        *(f"- {trap}" for trap in TRAPS[family.name]),
    ]
    return "\n".join(lines) + "\n"


def _prompt(reader: Reader) -> list[str]:
    """Return the prompt, and the tokens of an answer that training predicts."""
    example = _example(SIZES[0])
    if isinstance(reader, ClipEncoder):
        texts = [f"{example.question} {option}" for option in example.options]
        about = "It compares nine texts with the image, and answers with the most similar"
        return [f"{about}:\n\n```text\n{texts[0]}\n...\n```\n"]
    tokens = reader.tokenizer.convert_ids_to_tokens(reader.answer_ids(ANSWER))
    learned = " ".join(f"`{token}`" for token in tokens)
    text = reader.prompt(example).replace(example.prompt, "{question and options}")
    return [f"Its prompt is\n\n```text\n{text}\n```\n\nand the answer “{ANSWER}” is trained as {learned}.\n"]


def _others() -> str:
    scopes = "\n".join(f"- `{scope}`: `{pattern}`" for scope, pattern in GENERIC.scopes.items())
    return f"""## Any other

By hub id or folder: any image-text-to-text model of transformers with a chat template, in safetensors. Its image inputs
are recorded like those of the others, as far as its tensors show them. LoRA adapts the usual names:

{scopes}

## Sources of this page

All files of Molmo-7B-D but the weights, the vocabularies of the other releases, and the chat template of Qwen2-VL are
the releases' own. Written here from what is published: the settings of the other image processors, the vicuna chat
template of LLaVA and LLaVA-NeXT, and the prompt of LLaVA-OneVision. A checkpoint's own files always come first when it
is used.
"""


def _example(size: tuple[int, int]) -> Example:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    return Example("example", file.getvalue(), QUESTION, prompt(QUESTION, LABELS), LABELS, ANSWER)


def main(checkpoints: Path) -> None:
    """Write the page and its figure."""
    with tempfile.TemporaryDirectory() as folder:
        readers = {name: opened(assemble(name, checkpoints, Path(folder) / name)) for name in FAMILIES}
        write_text(HERE / "models.md", page(readers))
        draw({name: [image_input(readers[name], size) for size in SIZES[:2]] for name in FAMILIES}, HERE / "models.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
