"""Captions read from files, with their images and what is left out of them."""
