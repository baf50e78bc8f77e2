"""ninefold: teach vision-language models where things are, and prove it."""

__version__ = "0.1.0"
