"""TRL: parquet of prompts and completions, whose loss is on the completion alone."""

from ninefold.data.export import parts
from ninefold.data.export.protocol import Exporter, Usage
from ninefold.data.export.rows import Rows

_OPENING = """\
```python
from datasets import load_dataset
from trl import SFTConfig, SFTTrainer

data = load_dataset("path/to/this/folder")
trainer = SFTTrainer(
    "Qwen/Qwen2-VL-7B-Instruct",
    SFTConfig(output_dir="tuned", max_length=None{option}),
    train_dataset=data["{first}"],
)
```
"""

_PAIRS = """
`max_length=None` keeps all image tokens; TRL's default cuts after 1,024 tokens. The columns are `images`, `prompt` and
`completion`, so that the loss is on the answers alone. There is no column `messages`, which TRL would take instead,
with the loss on the questions too."""

_CONVERSATIONS = """
`max_length=None` keeps all image tokens; TRL's default cuts after 1,024 tokens. The columns are `images` and
`messages`; with `assistant_only_loss=True` the loss is on every answer, which needs a chat template that TRL knows, or
one that marks answers by `{% generation %}`. Without it, the loss is on the questions too."""


class Trl(Exporter):
    """TRL's prompt-completion form of vision data, or its form of messages for conversations."""

    name = "trl"
    title = "TRL 1.16"
    files = r"data(/[\w.]+-\d{5}-of-\d{5}\.parquet)?"
    options = frozenset({"conversations"})

    def write(self, rows: Rows) -> Usage:
        """Write ``data/{split}-*.parquet`` of each split."""
        whole = rows.spec.conversations
        columns = ("messages",) if whole else ("prompt", "completion")
        for split in rows.splits:
            made = ((found, parts.turns(found)) for found in rows.conversations(split))
            parts.write(
                rows, split, columns, ((found, (turns,) if whole else (turns[:1], turns[1:])) for found, turns in made)
            )
        opening = _OPENING.format(option=", assistant_only_loss=True" if whole else "", first=rows.splits[0])
        return Usage(opening + (_CONVERSATIONS if whole else _PAIRS), parts.front_matter(rows.splits))
