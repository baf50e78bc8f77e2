"""The run folder: its files, records and lock, and the lineage of tuned models. No torch here."""
