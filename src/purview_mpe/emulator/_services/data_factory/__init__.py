"""Microsoft.DataFactory."""
