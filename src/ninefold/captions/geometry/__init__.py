"""Facts of captions held against labelled boxes."""
