"""How the nouns look: `text` in a terminal, `html` in a notebook, and `picture` in both Mermaid and SVG."""
