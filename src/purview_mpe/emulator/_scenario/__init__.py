"""An emulator as a document, and back."""
