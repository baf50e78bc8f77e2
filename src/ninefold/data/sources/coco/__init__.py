"""COCO photos and their instance annotations as a source."""
