"""Models behind an OpenAI-compatible URL; no torch here."""
