"""Evaluation: predictions, and the scores they read to."""
