"""The nouns as text, HTML and pictures."""
