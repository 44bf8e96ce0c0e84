"""The targets of private endpoints, and the connections on them."""
