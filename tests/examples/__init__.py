"""The example apps."""
