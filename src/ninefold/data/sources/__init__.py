"""Sources of examples, each one a specification that yields splits."""
