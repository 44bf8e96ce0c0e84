"""What several tests share: values, scripted transports, loopback servers, engines."""
