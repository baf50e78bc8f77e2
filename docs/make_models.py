"""Writes models.md and models.png: what each family reads and sees, by the very code that asks it.

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
    "llava": "The shorter side is resized to 336 and a square of 336 × 336 is cut out of the middle: of a photo of "
    "640 × 480 a quarter is never seen.",
    "clip": "Every picture is squeezed to 336 × 336. The release cuts a square out of the middle; ninefold does not, "
    "as the left and the right of a photo are what is asked for.",
    "llava-next": "Fitted into one of 672 × 672, 672 × 336, 336 × 672, 1008 × 336 and 336 × 1008, whichever keeps "
    "most of it, cut into tiles of 336 × 336, and seen once more squeezed into one tile; tokens of padding are left "
    "out, and one is added at the end of each line.",
    "llava-onevision": "Both sides are rounded to multiples of 28, up to 2.56 million pixels; each 28 × 28 are a "
    "token.",
    "molmo": "Fitted into a mosaic of up to 12 tiles, rather enlarged than shrunk, but as little as possible; tiles "
    "overlap by 112 pixels, and the whole is seen once more in one tile. Each 28 × 28 are a token.",
    "qwen2-vl": "Both sides are rounded to multiples of 28, up to 12.8 million pixels; each 28 × 28 are a token.",
}
"""One sentence a family, or two: what becomes of a picture's size."""

TRAPS: Mapping[str, Sequence[str]] = {
    "llava": ["Things near the left and the right of a photo may lie outside of what the model sees."],
    "clip": [
        "Texts hold at most 77 tokens; a longer one is refused, never cut.",
        "The question goes without its list of options: all nine texts would hold the same list.",
    ],
    "llava-next": [
        "A picture of 336 × 336 lies in half of a canvas of 672 × 336, and costs 1,176 tokens.",
        "Trainers that cut prompts at 1,024 or 2,048 tokens cut its pictures; ninefold cuts nothing.",
        "The release's chat template writes nothing that ends an answer; ninefold teaches `</s>`.",
    ],
    "llava-onevision": [
        "Not to be confused with `llava-hf/llava-onevision-qwen2-7b-ov-hf`, another model, which needs no port.",
        "The released code misplaces the features of every picture of a batch but the first; the port does not.",
        "Patches hold one frame (`temporal_patch_size` 1): Qwen2-VL's default of 2 would silently double them.",
    ],
    "molmo": [
        "The release shifts the mask of padded patches by one crop. The weights learned it that way, and the port "
        "keeps it.",
        "Query, key and value of the language model are one module, so that LoRA has one A for the three.",
        "The released tokenizer's chat template is Qwen2's and not Molmo's; the port brings Molmo's own.",
        "7B-O and 7B-D differ in tokenizer and language model; the counts here are those of 7B-D.",
    ],
    "qwen2-vl": [
        "`q_proj, k_proj, v_proj` alone reach the language model only: the vision tower's are one module, `qkv`.",
        "With torchvision installed, others resize otherwise, by up to 0.23 after normalization on photos; ninefold "
        "resizes by Pillow, always.",
    ],
}
"""What is known of each release that could spoil figures."""


def page(readers: Mapping[str, Reader]) -> str:
    """Return the page, given what reads for each family."""
    parts = [_head(), _table(readers), *(_family(FAMILIES[name], readers[name]) for name in FAMILIES), _others()]
    return "\n".join(parts)


def image_input(reader: Reader, size: tuple[int, int]) -> ImageInput:
    """Return what a family sees of a picture of a size, asked the page's question."""
    example = _example(size)
    if isinstance(reader, ClipEncoder):
        longest = max(map(len, reader.texts(example)))
        return ImageInput(size, (reader.side, reader.side), tiles=1, image_tokens=0, prompt_tokens=longest)
    return ImageInputs(reader).image_input(example)


def _head() -> str:
    return f"""# What each model reads and sees

Made by `docs/make_models.py`, with the code that asks the models and the vocabularies of the releases; a test holds it.
Counts are for the question

> {_example(SIZES[0]).prompt}

Sizes are those of what all tiles together show, padding included. Tiles are what goes through the vision tower; a
small copy of the whole counts as one. Tokens are the places of the prompt that hold something of the picture. Every run
records the same of its own pictures in `sees.json`, and its report shows it; an adapter is refused where the model
prepares pictures otherwise than when it was trained.

![Two pictures as each family sees them](models.png)

*A synthetic picture of 672 × 672 and one of a photo's size, 640 × 480, as they go into the vision tower, all at one
scale. Lines are borders of tiles; gray is padding. The small copies are seen as well.*
"""


def _table(readers: Mapping[str, Reader]) -> str:
    heads = [f"{width} × {height}" for width, height in SIZES]
    lines = [f"| family | {' | '.join(heads)} | whole prompt |", "| --- " * (len(heads) + 2) + "|"]
    for name in FAMILIES:
        sights = [image_input(readers[name], size) for size in SIZES]
        prompts = "9 texts" if FAMILIES[name].kind == "dual" else f"{sights[0].prompt_tokens:,} tokens"
        lines.append(f"| [{name}](#{name}) | {' | '.join(map(_cell, sights))} | {prompts} |")
    return "\n".join(lines) + "\n\nThe whole prompt is that with a picture of 672 × 672.\n"


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
        *_words(reader),
        "LoRA adapts the modules whose names match\n",
        *(f"- `{scope}`: `{pattern}`" for scope, pattern in family.scopes.items()),
        "\nGood to know:\n",
        *(f"- {trap}" for trap in TRAPS[family.name]),
    ]
    return "\n".join(lines) + "\n"


def _words(reader: Reader) -> list[str]:
    """Return what is read, and what is learned of an answer."""
    example = _example(SIZES[0])
    if isinstance(reader, ClipEncoder):
        texts = [f"{example.question} {option}" for option in example.options]
        return [
            f"It reads nine texts, and the one nearest to the picture is its answer:\n\n```text\n{texts[0]}\n...\n```\n"
        ]
    tokens = reader.tokenizer.convert_ids_to_tokens(reader.answer_ids(ANSWER))
    learned = " ".join(f"`{token}`" for token in tokens)
    text = reader.prompt(example).replace(example.prompt, "{question and options}")
    return [f"It reads\n\n```text\n{text}\n```\n\nand learns of the answer “{ANSWER}”: {learned}.\n"]


def _others() -> str:
    scopes = "\n".join(f"- `{scope}`: `{pattern}`" for scope, pattern in GENERIC.scopes.items())
    return f"""## Any other

By hub id or folder: any image-text-to-text model of transformers with a chat template, in safetensors. What it sees is
recorded like that of the others, as far as its tensors tell. LoRA adapts the usual names:

{scopes}

## What was not seen

The releases' own files were at hand for Molmo-7B-D, and for the others their vocabularies and the chat template of
Qwen2-VL. Written from what is published of them: the image processors' settings, the vicuna chat template of LLaVA and
LLaVA-NeXT, and the prompt of LLaVA-OneVision. What is read is always the folder's own where it has one.
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
