"""From a name to a model, whatever kind it is; torch is imported only where one is computed here."""

from pathlib import Path
from typing import TYPE_CHECKING

from ninefold.errors import ModelError
from ninefold.models.base import Model

if TYPE_CHECKING:
    from ninefold.models.loading import Precision


def open_model(
    name: str,
    *,
    adapter: Path | None = None,
    dtype: "Precision" = "auto",
    device: str = "auto",
    trust_remote_code: bool = False,
) -> Model:
    """Open the model of a name.

    Args:
        name: A name of `ninefold.models.families`, a hub id, a folder, or ``openai:`` and the URL of a server.
        adapter: A PEFT adapter's folder, or the training run that made it.
        dtype: What to compute in.
        device: A torch device, or "auto": a GPU where there is one.
        trust_remote_code: Whether code that comes with the checkpoint may run.

    Raises:
        ModelError: If there is no such model, or it cannot be used this way, with the reason.
    """
    from ninefold.models.endpoint import PREFIX, Endpoint

    if name.startswith(PREFIX):
        if adapter is not None:
            raise ModelError(
                f"{adapter}: an endpoint takes no adapter; load it into the server, and give its name there after the #"
            )
        if (dtype, device, trust_remote_code) != ("auto", "auto", False):
            raise ModelError("an endpoint's precision, device and code are its server's: set them where it is started")
        return Endpoint(name)

    from ninefold.models.families import find
    from ninefold.models.generative import GenerativeModel

    return GenerativeModel.load(
        find(name), adapter=adapter, dtype=dtype, device=device, trust_remote_code=trust_remote_code
    )
