"""OpenAI's batch interface, which vLLM and SGLang read too: JSON lines of requests, one for each row."""

from itertools import count

from ninefold.data.export.protocol import Conversation, Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.export.text_files import json_text
from ninefold.errors import DataError

FILE_ROWS, FILE_BYTES = 50_000, 180 << 20
"""Limits of a file of requests, whichever comes first; OpenAI takes 50,000 requests and 200 MB."""

_USAGE = """\
Files of requests for each split, such as `{first}-00000.jsonl`, each at most 50,000 requests and 180 MiB. A request
holds the row's id in `custom_id`, its image as a data URL before the prompt, and asks for greedy decoding and at most
{tokens:,} tokens. Models that think need more of them (`--max-new-tokens`), and some refuse `temperature` and `seed`.

With vLLM: `vllm run-batch -i {first}-00000.jsonl -o answers/{first}-00000.jsonl --model {model}`. With OpenAI: upload
each file with the purpose `batch`, create the batches for `/v1/chat/completions`, and download the output and error
files into one folder, `answers`.

The answers are then scored like those of any model:

```sh
ninefold evaluate --model batch:answers --data path/to/the/data/set --split {first} --out runs/batch
```"""


class OpenAiBatch(Exporter):
    """Requests of chat completions, for a batch."""

    name = "openai-batch"
    title = "OpenAI's batch interface"
    files = r"[\w.]+-\d{5}\.jsonl"
    options = frozenset({"model", "max_new_tokens"})

    def write(self, rows: Rows) -> Usage:
        """Write ``{split}-00000.jsonl`` and so on of each split."""
        if not rows.spec.model:
            raise DataError("--model: name the model to ask, as its server calls it; every request must hold it")
        for split in rows.splits:
            self._write_split(rows, split)
        spec = rows.spec
        return Usage(_USAGE.format(first=rows.splits[0], tokens=spec.max_new_tokens, model=spec.model))

    def _write_split(self, rows: Rows, split: str) -> None:
        lines = (f"{json_text(_request(rows, found))}\n".encode() for found in rows.conversations(split))
        line = next(lines, None)
        for shard in count():
            if line is None:
                return
            with (rows.folder / f"{split}-{shard:05d}.jsonl").open("wb") as file:
                for _ in range(FILE_ROWS):
                    file.write(line)
                    line = next(lines, None)
                    if line is None or file.tell() + len(line) > FILE_BYTES:
                        break


def _request(rows: Rows, conversation: Conversation) -> dict[str, object]:
    [example] = conversation.examples
    image = {"type": "image_url", "image_url": {"url": conversation.image.data_url}}
    asked = {"role": "user", "content": [image, {"type": "text", "text": example.prompt}]}
    body = {
        "model": rows.spec.model,
        "messages": [asked],
        "temperature": 0,
        "seed": 0,
        "max_completion_tokens": rows.spec.max_new_tokens,
    }
    return {"custom_id": example.id, "method": "POST", "url": "/v1/chat/completions", "body": body}
