"""Checkpoints on disk: their processor, network, adapter and fingerprint."""
