"""The command line: streams, options, and one function for each verb. `main` begins."""
