"""What a test does with an emulator besides asking it as if it were Azure."""
