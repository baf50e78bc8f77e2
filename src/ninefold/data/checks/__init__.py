"""Checks of a dataset folder: certificate and facts."""
