"""Models on OpenAI-compatible servers; no torch here."""
