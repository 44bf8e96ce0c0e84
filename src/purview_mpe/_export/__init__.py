"""Plans as code in other languages. `formats` lists the formats; one module writes each."""
