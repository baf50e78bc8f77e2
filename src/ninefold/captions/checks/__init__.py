"""The five checks of pairs, in the order of their cost."""
