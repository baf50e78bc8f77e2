"""``python -m ninefold``: the command line, as `accelerate launch -m ninefold` starts it."""

from ninefold.cli import main

main()
