"""`ninefold export-adapter`: adapters in the forms of other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import FlagCreatePairsOff, arg

from ninefold import api
from ninefold.models.export.spec import AdapterExportSpec


@dataclass(frozen=True)
class ExportAdapter:
    """An adapter as PEFT, transformers (merged) or vLLM reads it; compared with the adapter on its base, or refused.

    For example:
      ninefold export-adapter runs/tuning --to merged --out merged
      ninefold export-adapter runs/tuning --to vllm --out served
    """

    spec: Annotated[AdapterExportSpec, arg(name="")]
    out: Path
    """Folder to write."""
    overwrite: Annotated[bool, FlagCreatePairsOff] = False
    """Replace an export of another adapter there; anything else is never replaced."""

    def run(self) -> None:
        done = api.export_adapter(self.spec, self.out, overwrite=self.overwrite)
        what = f"merged checkpoint, {done.changed:,} tensors changed" if done.form == "merged" else f"for {done.form}"
        print(f"{self.out}: {what}; {done.difference}; see README.md there")
        if done.command:
            print(done.command)
