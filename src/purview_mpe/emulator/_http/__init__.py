"""A request on its way: transports, server, router, faults."""
