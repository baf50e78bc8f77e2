"""AdamW with moments of 8 bits, of bitsandbytes: whether it is installed and works on the device of a training."""

import importlib
import importlib.util
from importlib import metadata

import torch

from ninefold.errors import RunError, first_line
from ninefold.models.checkpoint.messages import quiet

PACKAGE = "bitsandbytes"

SMALLEST = 4096
"""Number of weights of a tensor below which its moments have 32 bits."""


def check_installed() -> None:
    """Refuse a training with this optimizer where bitsandbytes is not installed.

    Raises:
        RunError: If it is not; the message says how to install it.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise RunError(
            f"--optimizer adamw-8bit: needs {PACKAGE}, which is not installed: pip install {PACKAGE}; or leave it out"
        )


def check_works(device: torch.device) -> None:
    """Refuse a training where bitsandbytes cannot update weights on a device.

    Raises:
        RunError: If it cannot, such as a build without support of this GPU; the message has its reason.
    """
    check_installed()
    try:
        with quiet():
            weight = torch.nn.Parameter(torch.zeros(SMALLEST, device=device))
            weight.grad = torch.ones_like(weight)
            optimizer = importlib.import_module(f"{PACKAGE}.optim").AdamW
            optimizer([weight], lr=1.0, weight_decay=0.0, optim_bits=8).step()
            moved = bool((weight < 0).all())
            reason = "it changes no weights"
    except Exception as error:
        # Libraries of other devices are missing in ways of their own.
        moved, reason = False, first_line(error)
    if not moved:
        version = metadata.version(PACKAGE)
        raise RunError(
            f"--optimizer adamw-8bit: {PACKAGE} {version} does not work on {device} here ({reason}); install one that "
            "supports it, or leave it out"
        )
