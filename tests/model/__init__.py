"""Tests of the value types (nouns) and of the words that show them."""
