"""Gets a data factory into a Purview account, as Azure Functions: one app asks, another one approves."""
