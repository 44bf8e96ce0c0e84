"""How requests arrive and are answered: transports, server, router, faults."""
