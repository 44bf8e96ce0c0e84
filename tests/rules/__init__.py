"""Tests of the rules, which decide without sending a request."""
