"""The Hugging Face Hub: whether it can be reached, asked once and quickly, and what was downloaded. No torch here."""

from pathlib import Path

from ninefold.console import warn
from ninefold.errors import ModelError
from ninefold.models.checkpoint.messages import first_line

SECONDS = 10
"""Time limit of the one request that finds out whether the hub can be reached."""


def downloaded(repository: str, name: str) -> Path | None:
    """Return a file of a repository in the newest snapshot on this machine; None if it was not downloaded."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(repository, name)
    return Path(found) if isinstance(found, str) else None


def check(repository: str) -> None:
    """Refuse a repository that is neither on this machine nor to be had; the library would try for a minute first.

    If only the hub is out of reach, this process continues in offline mode, with the snapshot on this machine.

    Raises:
        ModelError: If nothing of the repository is here and the hub cannot be reached.
    """
    from huggingface_hub import constants, get_session

    reason = "HF_HUB_OFFLINE is set"
    if not constants.is_offline_mode():
        try:
            get_session().head(constants.ENDPOINT, timeout=SECONDS)
            return
        except Exception as error:  # of whatever the client, a proxy or the network raises
            reason = first_line(error)
    if downloaded(repository, "config.json") is None:
        raise ModelError(
            f"{repository}: not on this machine, and the Hugging Face Hub cannot be reached ({reason}); connect to it, "
            "name a local folder, or use a model of this package: `ninefold models` lists them"
        )
    if not constants.is_offline_mode():
        warn(f"{repository}: the Hugging Face Hub cannot be reached ({reason}); the copy on this machine is used")
        constants.HF_HUB_OFFLINE = True
