"""The data plane of a Purview account, on its own host: policies, collections, the catalog of entities."""
