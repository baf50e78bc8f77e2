"""Models that answer examples: local ones, served ones and registered ones."""
