"""The parts of the verbs: reading, writing, waiting, reporting."""
