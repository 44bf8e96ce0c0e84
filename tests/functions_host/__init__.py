"""A small Azure Functions host, which drives Microsoft's `azure-functions-runtime`: `nox -s functions`."""
