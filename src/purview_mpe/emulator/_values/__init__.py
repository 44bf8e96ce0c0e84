"""Requests, answers and JSON as plain values: all other parts of the emulator can import these."""
