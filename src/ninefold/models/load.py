"""From a name to a model, whatever kind it is; torch is imported only where one is computed here."""

from functools import partial
from pathlib import Path

from ninefold.errors import ModelError
from ninefold.models.families import Precision
from ninefold.models.protocol import Model, Trainable
from ninefold.models.shortcuts import ALL_SHORTCUTS, Shortcuts


def open_model(
    name: str,
    *,
    adapter: Path | None = None,
    dtype: Precision = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
    shortcuts: Shortcuts = ALL_SHORTCUTS,
) -> Model:
    """Open the model of a name.

    Args:
        name: A name of `ninefold.models.families`, a hub id, a folder, or ``openai:`` and the URL of a server.
        adapter: A PEFT adapter's folder, or the training run that made it.
        dtype: What to compute in.
        device: A torch device, or "auto": a GPU where there is one.
        trust_remote_code: Whether code that comes with the checkpoint may run.
        shortcuts: Which short cuts a model that writes may take.

    Raises:
        ModelError: If there is no such model, or it cannot be used this way, with the reason.
    """
    from ninefold.models.endpoint.model import PREFIX, Endpoint

    if name.startswith(PREFIX):
        if adapter is not None:
            raise ModelError(
                f"{adapter}: an endpoint takes no adapter; load it into the server, and give its name there after the #"
            )
        if (dtype, device, trust_remote_code) != ("auto", "auto", False):
            raise ModelError("an endpoint's precision, device and code are its server's: set them where it is started")
        return Endpoint(name)

    return open_trainable(
        name, adapter=adapter, dtype=dtype, device=device, trust_remote_code=trust_remote_code, shortcuts=shortcuts
    )


def open_trainable(
    name: str,
    *,
    adapter: Path | None = None,
    dtype: Precision = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
    shortcuts: Shortcuts = ALL_SHORTCUTS,
) -> Trainable:
    """Open the model of a name as `open_model` does, if its weights are here.

    Raises:
        ModelError: If they are a server's, or there is no such model, or it cannot be used this way.
    """
    from ninefold.models.checkpoint.network import open_config
    from ninefold.models.clip.model import DualEncoder
    from ninefold.models.endpoint.model import PREFIX
    from ninefold.models.families import GENERIC, find
    from ninefold.models.vlm.model import GenerativeModel

    if name.startswith(PREFIX):
        raise ModelError(
            f"{name}: a server's weights cannot be trained from here; name a model with weights of its own"
        )
    source = find(name)
    family = source.family
    if family is GENERIC and not source.local:
        # Of a hub id that no row lists, only the configuration tells what it is.
        _, family = open_config(source, trust_remote_code=trust_remote_code)
    load = DualEncoder.load if family.kind == "dual" else partial(GenerativeModel.load, shortcuts=shortcuts)
    return load(source, adapter=adapter, dtype=dtype, device=device, trust_remote_code=trust_remote_code)
