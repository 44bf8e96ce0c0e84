"""A small Azure Functions host, which drives Microsoft's own worker for Python: `nox -s functions`."""
