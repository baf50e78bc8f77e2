"""Detailed captions to checked spatial question-answer pairs (Ogezi & Shi 2025, SpaRE)."""
