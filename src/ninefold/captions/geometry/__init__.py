"""Spatial facts tested against labelled boxes: which of them the boxes confirm, contradict or leave undecided."""
