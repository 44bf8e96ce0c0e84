"""The nouns: what users pass in, what exists in Azure, and what the verbs give back. Imports nothing but pydantic."""
