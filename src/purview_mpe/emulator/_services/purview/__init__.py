"""Microsoft.Purview, as Azure Resource Manager shows it."""
