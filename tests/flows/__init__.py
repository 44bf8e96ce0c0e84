"""The verbs, in both clients, against the emulator."""
