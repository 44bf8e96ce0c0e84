"""Converts an emulator to a document, and back."""
