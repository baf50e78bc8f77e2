"""Nano: the pretraining of the small base models."""
