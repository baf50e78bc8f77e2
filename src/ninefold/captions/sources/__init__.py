"""Files of captions, and the images that belong to them."""
