"""Everything that exists in one emulator, and time."""
