"""What lies between an SDK client and the wire: policies, pacing, credentials and transports."""
