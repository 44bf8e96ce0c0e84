"""What private endpoints connect to, and the connections on it."""
