"""What Azure's services do, one file per service."""
