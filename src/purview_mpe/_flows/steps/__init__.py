"""What the verbs are made of: reading, writing, waiting, telling."""
