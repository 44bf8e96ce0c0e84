"""The clients: what a verb checks, and what holds for every verb."""
