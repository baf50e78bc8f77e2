"""Questions about a scene or a box, and the formats of their answers."""
