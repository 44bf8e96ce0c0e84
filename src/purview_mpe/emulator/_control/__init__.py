"""What a test can do with an emulator besides sending requests to it."""
