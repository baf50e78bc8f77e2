"""The connection to a Ray cluster, an extra. Ray is imported when one is opened, and nowhere else."""

import importlib.util
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ninefold.errors import RunError, first_line

SECONDS = 10
"""Seconds in which a cluster must answer."""

HERE = "local"
"""The address of a Ray of this machine alone, which is started for this process and stopped with it."""


class Connection:
    """A connection of this process to a Ray cluster."""

    def __init__(self, address: str, option: str = "--cluster") -> None:
        """Connect to a cluster, or take the connection that this process has already.

        Args:
            address: Its address, "auto" for the one that this machine belongs to, or `HERE`.
            option: The option that asked for it, for messages.

        Raises:
            RunError: If ray is not installed, or there is no such cluster.
        """
        check(address, option)
        # Ray would otherwise report to its makers that it was started.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        import ray

        self.ray: Any = ray
        self._is_ours = not ray.is_initialized()
        options = {"include_dashboard": False} if address == HERE else {}
        try:
            if self._is_ours:
                with _silent():
                    ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
        except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise RunError(_unreachable(address, first_line(error), option)) from error

    @property
    def data(self) -> Any:
        """Ray Data, which shows no bars and no log of its own."""
        import ray.data

        logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        ray.data.DataContext.get_current().enable_progress_bars = False
        return ray.data

    def resources(self, name: str) -> int:
        """Return how many of a resource, such as "CPU" or "GPU", the machines have together."""
        return int(self.ray.cluster_resources().get(name, 0))

    @property
    def words(self) -> str:
        """Its size in words."""
        gpus, cores = self.resources("GPU"), self.resources("CPU")
        return f"cluster of {len(self.ray.nodes())} machines, {gpus} GPUs, {cores} cores"

    def close(self) -> None:
        """Leave the cluster, unless this process was connected before."""
        if self._is_ours:
            self.ray.shutdown()


def check(address: str, option: str = "--cluster") -> None:
    """Check that Ray is installed, and that something answers at an address with a port; Ray would try for minutes.

    Raises:
        RunError: If not.
    """
    if importlib.util.find_spec("ray") is None:
        raise RunError(f"{option}: needs ray; install it with pip install 'ninefold[cluster]'")
    host, separator, port = address.rpartition("//")[2].rpartition(":")
    if separator and port.isdigit():
        try:
            socket.create_connection((host, int(port)), timeout=SECONDS).close()
        except (OSError, OverflowError) as error:
            raise RunError(_unreachable(address, first_line(error), option)) from error


def cause(error: BaseException) -> str:
    """Return one line for an error of Ray: that of the exception in a worker, which is amid its trace and advice."""
    lines = re.findall(r"^[\w.]+(?:Error|Exception|Exit|Interrupt)\b.*", str(error), re.MULTILINE)
    return lines[-1] if lines else first_line(error)


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Ray from writing to the terminal by itself, from the block on: what befalls workers, and native warnings."""
    # Ray has no option for the first: it prints the end of every lost worker on standard output.
    sys.modules["ray._private.worker"]._worker_logs_enabled = False  # type: ignore[attr-defined]
    name = "RAY_BACKEND_LOG_LEVEL"
    if name in os.environ:
        yield
        return
    os.environ[name] = "fatal"
    # It says on standard error that it has read this.
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
        del os.environ[name]


def _unreachable(address: str, reason: str, option: str) -> str:
    if address == HERE:
        return f"{option}: Ray does not start on this machine ({reason})"
    return (
        f"{option} {address}: no Ray cluster answers ({reason}); "
        "`ray start --head` begins one; one that asks for a token needs RAY_AUTH_MODE=token here too"
    )
