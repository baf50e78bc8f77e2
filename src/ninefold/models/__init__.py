"""Models: everything that can answer an example."""
