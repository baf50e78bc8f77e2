"""Means of computing faster: exact resizing, prefetching threads, patch embeddings, memory."""
