"""LLaVA: one JSON list for each split, with ``<image>`` in the first question, and image files."""

from ninefold.data.export.protocol import Conversation, Exporter, Usage
from ninefold.data.export.rows import Rows, messages
from ninefold.data.export.text_files import json_list

_USAGE = """\
A JSON list for each split: {files}. Paths of images are relative to this folder. It is the form of LLaVA's own training
script and of those made after it, such as 2U1/Qwen-VL-Series-Finetune:

```sh
... --data_path path/to/this/folder/{first} --image_folder path/to/this/folder --image_aspect_ratio pad
```

LLaVA cuts rows after `--model_max_length` tokens, image tokens included: set it to 4096 or more for LLaVA-NeXT. The
loss is on the answers alone, in conversations on every answer."""

_NAMES = {"user": "human", "assistant": "gpt"}


class Llava(Exporter):
    """LLaVA's form: a JSON list for each split."""

    name = "llava"
    title = "LLaVA and the trainers that read its form"
    files = r"[\w.]+\.json"
    options = frozenset({"conversations"})
    placeholders = ("<image>", "<video>")

    def write(self, rows: Rows) -> Usage:
        """Write ``{split}.json`` of each split."""
        for split in rows.splits:
            entries = (_entry(found, rows.image_file(found.image)) for found in rows.conversations(split))
            json_list(rows.folder / f"{split}.json", entries)
        names = [f"{split}.json" for split in rows.splits]
        return Usage(_USAGE.format(files=", ".join(f"`{name}`" for name in names), first=names[0]))


def _entry(conversation: Conversation, image: str) -> dict[str, object]:
    turns = [{"from": _NAMES[turn["role"]], "value": turn["content"]} for turn in messages(conversation, "<image>\n")]
    return {"id": conversation.id, "image": image, "conversations": turns}
