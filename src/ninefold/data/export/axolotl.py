"""axolotl: parquet of chat messages with a column of images."""

from ninefold.data.export import parts
from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows

_USAGE = """\
```yaml
base_model: Qwen/Qwen2-VL-7B-Instruct
processor_type: AutoProcessor
chat_template: qwen2_vl  # that of your model
datasets:
  - path: path/to/this/folder
    split: {first}
    type: chat_template
    field_messages: messages
skip_prepare_dataset: true
remove_unused_columns: false
sample_packing: false
sequence_len: 8192
```

The columns are `images` and `messages`. The first part of each first question stands for the image: without such a
part, axolotl puts the image behind the question. Leave `image_size` out, which resizes every image. The loss is on the
answers alone for the chat templates of which axolotl knows where answers begin and end; its log says
`boundaries_source`."""


class Axolotl(Exporter):
    """axolotl's multimodal form: messages of parts, with the images in a column of their own."""

    name = "axolotl"
    title = "axolotl 0.19"
    files = r"data(/[\w.]+-\d{5}-of-\d{5}\.parquet)?"
    options = frozenset({"conversations"})

    def write(self, rows: Rows) -> Usage:
        """Write ``data/{split}-*.parquet`` of each split."""
        for split in rows.splits:
            parts.write(
                rows, split, ("messages",), ((found, (parts.turns(found),)) for found in rows.conversations(split))
            )
        return Usage(_USAGE.format(first=rows.splits[0]), parts.front_matter(rows.splits))
