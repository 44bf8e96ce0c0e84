"""The outside: pipeline, transports, credentials, threads and clocks."""
