"""LLaMA-Factory: JSON lines with ``<image>`` in the text, and an entry for each file in ``dataset_info.json``."""

from ninefold import store
from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.export.text_files import chats

_COLUMNS = {
    "formatting": "sharegpt",
    "columns": {"messages": "messages", "images": "images"},
    "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"},
}

_USAGE = """\
`dataset_info.json` names the data sets: {names}. In the configuration of `llamafactory-cli train`:

```yaml
dataset_dir: path/to/this/folder
media_dir: path/to/this/folder
dataset: {first}
template: qwen2_vl  # that of your model
cutoff_len: 8192
image_max_pixels: 16777216
image_min_pixels: 1
```

The last three lines keep every image at its own size, and all its tokens: by default, LLaMA-Factory shrinks images of
more than 768 x 768 pixels, and cuts rows after 2,048 tokens, image tokens included. The loss is on the answers alone
(`train_on_prompt: false`, the default), in conversations on every answer."""


class LlamaFactory(Exporter):
    """LLaMA-Factory's ``sharegpt`` form: a file of JSON lines for each split."""

    name = "llama-factory"
    title = "LLaMA-Factory 0.9.5"
    files = r"[\w.]+\.jsonl|dataset_info\.json"
    options = frozenset({"conversations"})
    placeholders = ("<image>", "<video>", "<audio>")

    def write(self, rows: Rows) -> Usage:
        """Write ``{split}.jsonl`` of each split, and ``dataset_info.json``."""
        chats(rows)
        entries = {f"ninefold_{split}": {"file_name": f"{split}.jsonl", **_COLUMNS} for split in rows.splits}
        store.write_json(rows.folder / "dataset_info.json", entries)
        names = ", ".join(f"`{name}`" for name in entries)
        return Usage(_USAGE.format(names=names, first=next(iter(entries))))
