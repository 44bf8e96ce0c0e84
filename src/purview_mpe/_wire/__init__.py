"""Azure's JSON and our nouns: every belief about Azure, each with its source."""
