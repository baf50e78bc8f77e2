"""A file for each family's architecture at nano size."""
