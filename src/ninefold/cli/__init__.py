"""The command line."""

from ninefold.cli.app import main

__all__ = ["main"]
