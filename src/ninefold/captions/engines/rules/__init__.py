"""The engine of rules: facts from dependency parses, then questions about them in several forms."""
