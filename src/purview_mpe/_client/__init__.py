"""The clients: what a verb checks before it starts its flow."""
