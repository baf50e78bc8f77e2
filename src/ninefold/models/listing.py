"""The list of models for users; no heavy imports."""

from dataclasses import dataclass

from ninefold.models.endpoint.address import BATCH, PREFIX
from ninefold.models.families import FAMILIES, GENERIC, nano_bases
from ninefold.models.registry import REGISTERED


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One name of a model, or one kind of name."""

    name: str
    """Name for `--model` and `load_model`."""
    about: str
    """Description and requirements."""
    checkpoints: tuple[str, ...] = ()
    """Its ids on the Hugging Face Hub, the default first."""


def list_models() -> tuple[ListedModel, ...]:
    """Return all names of models: the nano bases, each family, any other checkpoint, servers, registered models."""
    nano = (
        ListedModel(
            name,
            f"A small model of the family {family.name} in this package; needs nothing and runs on any CPU. It reads "
            "drawn pictures only, no photos. Made to show the system: its scores say nothing about any real model.",
        )
        for name, family in nano_bases().items()
    )
    families = (
        ListedModel(family.name, " ".join(filter(None, (family.needs, family.notes))), family.checkpoints)
        for family in (*FAMILIES.values(), GENERIC)
    )
    server = ListedModel(f"{PREFIX}URL#name", "A model on an OpenAI-compatible server: vLLM, SGLang, a hosted one.")
    batch = ListedModel(
        f"{BATCH}PATH",
        "Answers of a batch, to requests that `ninefold export --to openai-batch` wrote: a file, or a folder.",
    )
    own = (ListedModel(name, "A model that you registered.") for name in REGISTERED)
    return (*own, *nano, *families, server, batch)
