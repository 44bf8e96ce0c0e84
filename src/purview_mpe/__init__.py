"""Gets Azure Data Factory into a firewalled Microsoft Purview account."""
