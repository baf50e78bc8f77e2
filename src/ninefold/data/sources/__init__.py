"""Sources of examples; each yields splits from a specification."""
