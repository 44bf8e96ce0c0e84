"""The decisions: pure functions and values, without a request and without a clock."""
