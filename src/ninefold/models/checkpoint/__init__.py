"""Opening what is on disk: processor, network, adapter, fingerprint."""
