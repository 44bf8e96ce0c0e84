"""Plans exported to other languages."""
