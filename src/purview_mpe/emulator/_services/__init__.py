"""What Azure's services do, a folder for each."""
