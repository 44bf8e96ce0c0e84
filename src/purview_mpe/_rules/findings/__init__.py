"""The catalogue of findings: each code once, with its severity, its sentences and its part of the documentation."""
