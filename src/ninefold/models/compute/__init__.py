"""Faster computation: exact resizing, prefetching threads, patch embeddings, batch sizes that fit memory."""
