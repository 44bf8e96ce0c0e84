"""How the nouns look: `text` in a terminal, `html` in a notebook, and `picture` as Mermaid or SVG."""
