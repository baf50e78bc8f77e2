"""Studies: what is run together."""
