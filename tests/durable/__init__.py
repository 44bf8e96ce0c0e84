"""Fleets on engines."""
