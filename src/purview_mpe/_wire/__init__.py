"""Azure's JSON and the library's nouns: every belief about Azure, each with its source."""
