"""Evaluation: predictions and their scores."""
