"""The README.md of an exported adapter: what it is, and how it is loaded. No torch here."""

from pathlib import Path

from ninefold.models.checkpoint.files import CONFIG, read_object
from ninefold.models.export.vllm import Serving
from ninefold.models.family import Family
from ninefold.version import __version__

_PORTED = (
    "transformers has no class of its own for this family. `import ninefold.models.ports` registers ninefold's port "
    "of it first; then the lines above work."
)


def adapter_card(name: str, base: str, form: str, use: str, said: str) -> str:
    """Return the card of an adapter's folder.

    Args:
        name: Name of the adapter.
        base: Its base, as a hub id or a folder.
        form: The form, in words.
        use: Markdown on how it is loaded.
        said: What the comparison found.
    """
    return (
        f"---\nbase_model: {base}\nlibrary_name: peft\n---\n\n# {name}\n\n{form} for `{base}`, exported by ninefold "
        f"{__version__}. Compared with the training run's own adapter, {said}.\n\n{use}\n"
    )


def peft_use(base: str, family: Family) -> str:
    """Return how plain PEFT loads an adapter's folder."""
    lines = (
        f'base = {auto_class(family)}.from_pretrained("{base}")\n'
        f'model = PeftModel.from_pretrained(base, "this folder")\n'
    )
    return (
        f"```python\nfrom peft import PeftModel\nfrom transformers import {auto_class(family)}\n\n{lines}```\n"
        f"{_ported(family)}"
    )


def merged_card(name: str, base: str, folder: Path, family: Family, said: str) -> str:
    """Return the card of a merged checkpoint.

    Args:
        name: Name of the adapter.
        base: Its base, as a hub id or a folder.
        folder: The base's files.
        family: The base's family.
        said: What the comparison found.
    """
    lines = f'model = {auto_class(family)}.from_pretrained("this folder")\n'
    lines += 'processor = AutoProcessor.from_pretrained("this folder")\n'
    own_code = (
        "\nIts folder holds the base's own code too (`trust_remote_code=True`), for the versions of transformers that "
        "the base names.\n"
        if read_object(folder / CONFIG).get("auto_map")
        else ""
    )
    return (
        f"---\nbase_model: {base}\nbase_model_relation: finetune\nlibrary_name: transformers\n---\n\n# {name}\n\n"
        f"`{base}` with an adapter merged into its weights, exported by ninefold {__version__}. All files but the "
        "changed tensors have the bytes of the base. Merged in single precision, then rounded to the stored type; "
        f"compared with the adapter beside the weights, {said}.\n\n"
        f"```python\nfrom transformers import {auto_class(family)}, AutoProcessor\n\n{lines}```\n"
        f"{_ported(family)}{own_code}"
    )


def vllm_use(command: str, name: str, served: Serving) -> str:
    """Return how vLLM serves an adapter's folder."""
    tower = (
        "\nThe adapter changes the vision tower too: without `--enable-tower-connector-lora` vLLM leaves that half out "
        "with no more than a warning, and answers as another model. vLLM calls this experimental; compare its answers "
        "with those of `ninefold evaluate --adapter`.\n"
        if served.vision
        else ""
    )
    names = (
        "\nTensors of the vision tower have the names that vLLM looks for, which differ from those of transformers: "
        "PEFT does not load this folder. `ninefold export-adapter --to peft` writes one that it loads.\n"
        if served.renamed
        else ""
    )
    return (
        f"```\n{command}\nninefold evaluate --model openai:http://localhost:8000/v1#{name} --data TEST --out RUN\n```\n"
        f"{tower}{names}"
    )


def auto_class(family: Family) -> str:
    """Return the class of transformers that opens a family's checkpoints."""
    return "AutoModel" if family.kind == "dual" else "AutoModelForImageTextToText"


def _ported(family: Family) -> str:
    return f"\n{_PORTED}\n" if family.ported else ""
