"""Trainers themselves read what `ninefold export` writes for them: every row, its image tokens, and what is learned.

The checkpoints are small ones of real architectures, whose number of image tokens depends on the shape of the image.
"""

import io
import json
import shutil
from collections import Counter
from functools import cache

import pytest
import tools
from PIL import Image

import ninefold
from ninefold import Example, ExportSpec
from ninefold.data.format.dataset import About, write
from ninefold.models.families import find

LLAVA, QWEN = "nano-llava-next", "nano-qwen2-vl"
SIZES = [(126, 126), (252, 130), (90, 300), (640, 480)]
PAIRS = [("Where is the red square?", "top left"), ("Is it red?", "yes"), ("What is it?", "a square")]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Images of several shapes, each with several questions."""

    def image(size):
        buffer = io.BytesIO()
        Image.radial_gradient("L").convert("RGB").resize(size).save(buffer, "JPEG")
        return buffer.getvalue()

    examples = [
        Example(f"{at}/{asked}", image(size), asked, asked, (), answer, "short_text")
        for at, size in enumerate(SIZES)
        for asked, answer in PAIRS
    ]
    folder = tmp_path_factory.mktemp("trainers") / "data"
    write(folder, {"train": examples}, about=About("Made", "Made.", {}))
    return folder


@pytest.fixture(scope="module")
def ours(data):
    """A function of a model: token ids and labels of every row, without padding, as ninefold trains on it."""

    @cache
    def found(name=LLAVA):
        model, examples = ninefold.load_model(name), list(ninefold.open_dataset(data).read("train"))
        batch = model.training_batch(examples, [model.encoder.image(example) for example in examples])
        assert len({model.image_input(example).image_tokens for example in examples}) > 1
        return rows(batch["input_ids"].tolist(), batch["labels"].tolist(), batch["attention_mask"].tolist()), model

    return found


def rows(ids, labels, masks):
    return [
        tuple([value for value, kept in zip(each, mask, strict=True) if kept] for each in (row, learned))
        for row, learned, mask in zip(ids, labels, masks, strict=True)
    ]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory):
    """A Qwen2-VL with the special tokens and the chat template of the real one, which trainers expect."""
    folder = tmp_path_factory.mktemp("qwen") / "qwen"
    shutil.copytree(find(QWEN).path, folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        text = (folder / name).read_text()
        for token, real in (("<image>", "<|image_pad|>"), ("<eos>", "<|im_end|>"), ("<bos>", "<|im_start|>")):
            text = text.replace(token, real)
        (folder / name).write_text(text)
    (folder / "chat_template.jinja").write_text(QWEN_TEMPLATE)
    return folder


QWEN_TEMPLATE = """\
{% for message in messages %}{% if loop.first %}<|im_start|>system
You are a helpful assistant.<|im_end|>
{% endif %}<|im_start|>{{ message['role'] }}
{% for part in message['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>\
{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

WITHOUT_VIDEO = """
from transformers import Qwen2VLProcessor
# Its part for videos needs torchvision, whose builds need a GPU's libraries.
kept = [name for name in Qwen2VLProcessor.get_attributes() if name != "video_processor"]
Qwen2VLProcessor.get_attributes = classmethod(lambda cls: kept)
"""


def read(tool, script, data, folder, *arguments, to=None, **options):
    """Return what a script prints in a tool's environment, given an export of the data and further arguments."""
    tools.python_of(tool)
    ninefold.export(ExportSpec(data, to or tool, **options), folder / "exported")
    variables = {"ROOT_IMAGE_DIR": str(folder / "exported")}
    arguments = arguments or (find(LLAVA).path,)
    return tools.run(tool, script, folder / "exported", *arguments, cwd=folder, variables=variables)


def learned(row, model):
    """Return the text of the tokens that are learned, and the number of image tokens."""
    ids, labels = row
    text = model.encoder.processor.tokenizer.decode([label for label in labels if label != -100])
    return text, Counter(ids)[model.model.config.image_token_id]


TRL = f"""{WITHOUT_VIDEO}
import json, sys
from datasets import load_dataset
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer
folder, *checkpoints = sys.argv[1:]
data = load_dataset(folder)["train"]
config = SFTConfig(
    "tuned", max_length=None, max_steps=1, per_device_train_batch_size=4, learning_rate=1e-3, bf16=False, use_cpu=True,
    report_to=[], save_strategy="no", disable_tqdm=True,
)
found = []
for checkpoint in checkpoints:
    model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype="float32")
    trainer = SFTTrainer(
        model, config, train_dataset=data, processing_class=AutoProcessor.from_pretrained(checkpoint)
    )
    batch = trainer.data_collator([dict(row) for row in data])
    before = {{name: value.detach().clone() for name, value in model.named_parameters()}}
    loss = trainer.train().training_loss
    moved = sum(not value.equal(before[name]) for name, value in model.named_parameters())
    rows = [batch[name].tolist() for name in ("input_ids", "labels", "attention_mask")]
    found.append([rows, loss, moved / len(before)])
print(json.dumps(found))
"""


def test_trl_trains_on_the_very_tokens_that_ninefold_trains_on(data, ours, tmp_path):
    models = (LLAVA, QWEN)
    found = read("trl", TRL, data, tmp_path, *(find(name).path for name in models))
    for name, (batch, loss, moved) in zip(models, found, strict=True):
        assert rows(*batch) == ours(name)[0]
        assert 0 < loss < 20
        assert moved > 0.8


FACTORY = f"""{WITHOUT_VIDEO}
import importlib.machinery, json, sys, types
# Builds of torchaudio need a GPU's libraries; only sound uses it.
sound = sys.modules["torchaudio"] = types.ModuleType("torchaudio")
sound.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
folder, checkpoint, *others = sys.argv[1:]
model_args, data_args, training_args, _, _ = get_train_args(dict(
    model_name_or_path=checkpoint, stage="sft", do_train=True, finetuning_type="full",
    template=others[0] if others else "llava_next",
    dataset_dir=folder, media_dir=folder, dataset="ninefold_train", cutoff_len=8192, image_max_pixels=16777216,
    image_min_pixels=1, output_dir="tuned", report_to="none",
))
module = load_tokenizer(model_args)
template = get_template_and_fix_tokenizer(module["tokenizer"], data_args)
data = get_dataset(template, model_args, data_args, training_args, "sft", **module)["train_dataset"]
print(json.dumps([[list(row) for row in data[name]] for name in ("input_ids", "labels")]))
"""

SWIFT = """
import json, sys
from swift import get_processor, get_template, load_dataset
folder, checkpoint = sys.argv[1:3]
template = get_template(get_processor(checkpoint, model_type="llava1_6_mistral_hf"), max_length=8192)
template.set_mode("train")
data, _ = load_dataset(folder + "/train.jsonl", strict=True)
rows = [template.encode(row) for row in data]
print(json.dumps([[list(row[name]) for row in rows] for name in ("input_ids", "labels")]))
"""


def test_llama_factory_trains_on_the_very_tokens_and_a_line_break(data, ours, qwen, tmp_path):
    found = zip(*read("llama-factory", FACTORY, data, tmp_path, qwen, "qwen2_vl"), strict=True)
    expected, model = ours(str(qwen))
    [line_break] = model.encoder.processor.tokenizer.encode("\n", add_special_tokens=False)
    assert list(found) == [([*ids, line_break], [*labels, line_break]) for ids, labels in expected]


@pytest.mark.parametrize("conversations", [False, True])
@pytest.mark.parametrize(("tool", "script", "end"), [("llama-factory", FACTORY, "<eos>"), ("ms-swift", SWIFT, "</s>")])
def test_a_trainer_reads_every_row_with_our_image_tokens_and_learns_the_answers_alone(
    data, ours, tmp_path, tool, script, end, conversations
):
    found = list(zip(*read(tool, script, data, tmp_path, conversations=conversations), strict=True))
    expected, model = ours()
    counts = [learned(row, model)[1] for row in expected]
    answers = [f"{answer}{end}" for _, answer in PAIRS]
    if conversations:
        assert [learned(row, model) for row in found] == [("".join(answers), n) for n in counts[:: len(PAIRS)]]
    else:
        assert [learned(row, model) for row in found] == list(zip(answers * len(SIZES), counts, strict=True))


def test_the_form_of_llava_is_read_by_llama_factory(data, ours, tmp_path):
    entry = {"file_name": "train.json", "formatting": "sharegpt"}
    entry["columns"] = {"messages": "conversations", "images": "image"}
    named = f"""
from pathlib import Path
Path(sys.argv[1], "dataset_info.json").write_text({json.dumps({"ninefold_train": entry})!r})
"""
    script = FACTORY.replace("folder, checkpoint", f"{named}\nfolder, checkpoint", 1)
    found = list(zip(*read("llama-factory", script, data, tmp_path, to="llava"), strict=True))
    expected, model = ours()
    assert [learned(row, model)[1] for row in found] == [learned(row, model)[1] for row in expected]


AXOLOTL = """
import json, sys
from datasets import load_dataset
from transformers import AutoProcessor
from axolotl.processing_strategies import ProcessingStrategy
from axolotl.utils.collators.mm_chat import MultiModalChatDataCollator
folder, checkpoint = sys.argv[1:3]
processor = AutoProcessor.from_pretrained(checkpoint)
collator = MultiModalChatDataCollator(processor.tokenizer, ProcessingStrategy(processor))
batch = collator(list(load_dataset(folder, split="train")))
print(json.dumps([batch[name].tolist() for name in ("input_ids", "labels", "attention_mask")]))
"""


def test_axolotl_puts_every_image_before_its_question(data, ours, tmp_path):
    found = read("axolotl", AXOLOTL, data, tmp_path)
    assert [ids for ids, _ in rows(*found)] == [ids for ids, _ in ours()[0]]


WEB = """
import json, sys
import webdataset as wds
rows = wds.WebDataset(sys.argv[1] + "/train-00000.tar", shardshuffle=False).decode("pil").to_tuple("png;jpg", "json")
print(json.dumps([[image.size, row["id"], row["prompt"], row["answer"]] for image, row in rows]))
"""


def test_the_webdataset_library_reads_images_and_rows(data, tmp_path):
    examples = list(ninefold.open_dataset(data).read("train"))
    found = read("trl", WEB, data, tmp_path, to="webdataset")
    assert [row[1:] for row in found] == [[example.id, example.prompt, example.answer] for example in examples]
    assert [tuple(row[0]) for row in found] == [size for size in SIZES for _ in PAIRS]
