"""Azure's JSON and our nouns."""
