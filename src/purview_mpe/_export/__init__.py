"""Plans as code in other languages. `formats` knows them all; one module writes each."""
