"""Scenes: their vocabulary, the paper's named sets, distractors, and the renderer."""
