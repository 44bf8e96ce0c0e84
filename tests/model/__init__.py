"""The nouns and their words."""
