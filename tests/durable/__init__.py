"""Tests of fleets on engines."""
