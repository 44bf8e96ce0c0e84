"""Azure's services, with a folder for each."""
