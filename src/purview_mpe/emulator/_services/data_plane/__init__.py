"""What a Purview account answers on its own host: policies, collections, the catalog of entities."""
