"""The run folder: its files, its records, its lock, and what a model was tuned from. No torch here."""
