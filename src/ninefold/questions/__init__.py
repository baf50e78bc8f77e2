"""Questions: what is asked of a scene or a box, and how an answer is read."""
