"""Nano: how the small bases are made."""
