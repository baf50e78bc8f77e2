"""The dataset folder: parquet, card, manifest."""
