"""WebDataset: tar files of images and their rows as JSON."""

import io
import tarfile
from contextlib import closing
from itertools import count

from ninefold.data.export.protocol import Conversation, Exporter, Usage
from ninefold.data.export.rows import Rows
from ninefold.data.export.text_files import json_text
from ninefold.portable import as_png

SHARD_BYTES, SHARD_ROWS = 1 << 28, 10_000
"""Limits of a tar file, whichever comes first."""

_USAGE = """\
Tar files for each split, such as `{first}-00000.tar`. Each row is an image, `000000000.png` or `.jpg`, and a file of
the same name with `.json`: id, question, prompt, options, answer, answer format, group and factors.

```python
import webdataset as wds

rows = wds.WebDataset("path/to/this/folder/{pattern}").decode("pil").to_tuple("png;jpg", "json")
image, row = next(iter(rows))
```

`datasets.load_dataset("webdataset", data_files={{"{first}": "path/to/this/folder/{first}-*.tar"}})` reads them too, if
all images are of one format."""


class WebDataset(Exporter):
    """The form of the ``webdataset`` library."""

    name = "webdataset"
    title = "webdataset 1.0"
    files = r"[\w.]+-\d{5}\.tar"

    def write(self, rows: Rows) -> Usage:
        """Write ``{split}-00000.tar`` and so on of each split."""
        shards = {split: self._write_split(rows, split) for split in rows.splits}
        first = rows.splits[0]
        last = shards[first] - 1
        pattern = f"{first}-{{00000..{last:05d}}}.tar" if last else f"{first}-00000.tar"
        return Usage(_USAGE.format(first=first, pattern=pattern))

    def _write_split(self, rows: Rows, split: str) -> int:
        """Return the number of tar files that a split was written to."""
        conversations = rows.conversations(split)
        number, found = 0, next(conversations, None)
        for shard in count():
            if found is None:
                return shard
            path = rows.folder / f"{split}-{shard:05d}.tar"
            # The plain format holds names, sizes and nothing that differs from one time to the next.
            with closing(tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)) as tar:
                while found is not None and number < (shard + 1) * SHARD_ROWS and tar.offset < SHARD_BYTES:
                    self._add(rows, tar, number, found)
                    number, found = number + 1, next(conversations, None)
        raise AssertionError

    def _add(self, rows: Rows, tar: tarfile.TarFile, number: int, conversation: Conversation) -> None:
        """Add a row to a tar file."""
        [example], image = conversation.examples, conversation.image
        if image.kind == "webp":
            # The library decodes no WebP.
            image = as_png(image.content)
            rows.redrawn += 1
        fields = ("id", "question", "prompt", "options", "answer", "answer_format", "group", "factors")
        row = {field: getattr(example, field) for field in fields}
        kind = {"jpeg": "jpg"}.get(image.kind, image.kind)
        for name, content in ((f"{number:09d}.{kind}", image.content), (f"{number:09d}.json", json_text(row).encode())):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
