"""The decisions, without a request."""
