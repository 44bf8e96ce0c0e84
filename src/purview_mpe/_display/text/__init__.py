"""The nouns in a terminal."""
