"""Microsoft.Network: the customer's own virtual networks, private endpoints and private DNS zones."""
