"""Tests of the mapping between Azure's JSON and the library's values."""
