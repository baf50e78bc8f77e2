"""ms-swift: JSON lines with ``<image>`` in the text, and image files."""

from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.export.text_files import chats

_USAGE = """\
A file of JSON lines for each split: {files}. Paths of images are relative to this folder, which `ROOT_IMAGE_DIR` names:

```sh
export ROOT_IMAGE_DIR=path/to/this/folder
swift sft --model Qwen/Qwen2-VL-7B-Instruct --dataset "$ROOT_IMAGE_DIR/{first}" --max_length 8192 \\
    --truncation_strategy raise
```

`--truncation_strategy raise` says so if a row has more tokens than `--max_length`; by default, ms-swift leaves such
rows out. Do not set `MAX_PIXELS`, which shrinks images in training and is not stored with the checkpoint. The loss is
on the answers alone, in conversations on every answer."""


class MsSwift(Exporter):
    """ms-swift's standard form: a file of JSON lines for each split."""

    name = "ms-swift"
    title = "ms-swift 4.6.0"
    files = r"[\w.]+\.jsonl"
    options = frozenset({"conversations"})
    placeholders = (
        "<image>",
        "<video>",
        "<audio>",
        "<bbox>",
        "<ref-object>",
        "<cot-process>",
        "<start-image>",
        "<img>",
    )

    def write(self, rows: Rows) -> Usage:
        """Write ``{split}.jsonl`` of each split."""
        chats(rows)
        names = [f"{split}.jsonl" for split in rows.splits]
        return Usage(_USAGE.format(files=", ".join(f"`{name}`" for name in names), first=names[0]))
