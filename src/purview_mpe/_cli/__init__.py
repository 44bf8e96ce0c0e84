"""The command line: streams, options, and one function for each verb. It starts in `main`."""
