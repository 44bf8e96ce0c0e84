"""Microsoft.Purview in Azure Resource Manager."""
