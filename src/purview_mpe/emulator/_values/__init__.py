"""Requests, answers and JSON as plain values: the row that everything else here may use."""
