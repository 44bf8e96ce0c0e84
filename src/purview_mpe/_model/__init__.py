"""The nouns: what users pass in, what exists in Azure, and what the verbs return. Imports only pydantic."""
