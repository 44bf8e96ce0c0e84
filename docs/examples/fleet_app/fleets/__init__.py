"""Gets many data factories into their Purview accounts, on as many machines as Azure Functions gives."""
