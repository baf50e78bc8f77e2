"""Trainers themselves read what `ninefold export` writes for them: every row, its image tokens, and what is learned.

The checkpoint is a small one of a real architecture, whose number of image tokens depends on the shape of the image.
"""

import io
import json
from collections import Counter
from functools import cache

import pytest
import tools
from PIL import Image

import ninefold
from ninefold import Example, ExportSpec
from ninefold.data.format.dataset import About, write
from ninefold.models.families import find

MODEL = "nano-llava-next"
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
    """A function that returns token ids and labels of every row, without padding, as ninefold trains on it."""

    @cache
    def found():
        model, examples = ninefold.load_model(MODEL), list(ninefold.open_dataset(data).read("train"))
        batch = model.training_batch(examples, [model.encoder.image(example) for example in examples])
        assert len({model.image_input(example).image_tokens for example in examples}) > 1
        return rows(batch["input_ids"].tolist(), batch["labels"].tolist(), batch["attention_mask"].tolist()), model

    return found


def rows(ids, labels, masks):
    return [
        tuple([value for value, kept in zip(each, mask, strict=True) if kept] for each in (row, learned))
        for row, learned, mask in zip(ids, labels, masks, strict=True)
    ]


def read(tool, script, data, folder, *arguments, to=None, **options):
    """Return what a script prints in a tool's environment, given an export of the data and the checkpoint."""
    tools.python_of(tool)
    ninefold.export(ExportSpec(data, to or tool, **options), folder / "exported", progress=False)
    variables = {"ROOT_IMAGE_DIR": str(folder / "exported")}
    checkpoint = find(MODEL).path
    return tools.run(tool, script, folder / "exported", checkpoint, *arguments, cwd=folder, variables=variables)


def learned(row, model):
    """Return the text of the tokens that are learned, and the number of image tokens."""
    ids, labels = row
    text = model.encoder.processor.tokenizer.decode([label for label in labels if label != -100])
    return text, Counter(ids)[model.model.config.image_token_id]


TRL = """
import json, sys
from datasets import load_dataset
from transformers import AutoModelForImageTextToText, AutoProcessor
from trl import SFTConfig, SFTTrainer
folder, checkpoint = sys.argv[1:3]
data = load_dataset(folder)["train"]
model = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype="float32")
config = SFTConfig(
    "tuned", max_length=None, max_steps=1, per_device_train_batch_size=4, learning_rate=1e-3, bf16=False, use_cpu=True,
    report_to=[], save_strategy="no", disable_tqdm=True,
)
trainer = SFTTrainer(model, config, train_dataset=data, processing_class=AutoProcessor.from_pretrained(checkpoint))
batch = trainer.data_collator([dict(row) for row in data])
before = {name: value.detach().clone() for name, value in model.named_parameters()}
loss = trainer.train().training_loss
moved = sum(not value.equal(before[name]) for name, value in model.named_parameters())
names = ("input_ids", "labels", "attention_mask")
print(json.dumps({"rows": [batch[name].tolist() for name in names], "loss": loss, "moved": moved}))
"""


def test_trl_trains_on_the_very_tokens_that_ninefold_trains_on(data, ours, tmp_path):
    found = read("trl", TRL, data, tmp_path)
    assert rows(*found["rows"]) == ours()[0]
    assert 0 < found["loss"] < 20
    assert found["moved"] > 100


FACTORY = """
import importlib.machinery, json, sys, types
# Builds of torchaudio need a GPU's libraries; only sound uses it.
sound = sys.modules["torchaudio"] = types.ModuleType("torchaudio")
sound.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args
from llamafactory.model import load_tokenizer
folder, checkpoint = sys.argv[1:3]
model_args, data_args, training_args, _, _ = get_train_args(dict(
    model_name_or_path=checkpoint, stage="sft", do_train=True, finetuning_type="full", template="llava_next",
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


@pytest.mark.parametrize(("tool", "script", "end"), [("llama-factory", FACTORY, "<eos>"), ("ms-swift", SWIFT, "</s>")])
def test_a_trainer_reads_every_row_with_our_image_tokens_and_learns_the_answers_alone(
    data, ours, tmp_path, tool, script, end
):
    (tmp_path / "rows").mkdir()
    found = list(zip(*read(tool, script, data, tmp_path / "rows"), strict=True))
    expected, model = ours()
    answers = [answer for _, answer in PAIRS] * len(SIZES)
    counts = [learned(row, model)[1] for row in expected]
    assert [learned(row, model) for row in found] == [
        (f"{answer}{end}", count) for answer, count in zip(answers, counts, strict=True)
    ]
    (tmp_path / "whole").mkdir()
    found = list(zip(*read(tool, script, data, tmp_path / "whole", conversations=True), strict=True))
    turns = end.join(answer for _, answer in PAIRS)
    assert [learned(row, model) for row in found] == [(f"{turns}{end}", count) for count in counts[:: len(PAIRS)]]


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
