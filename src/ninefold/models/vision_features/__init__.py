"""Vision features, computed once for each distinct image and reused."""
