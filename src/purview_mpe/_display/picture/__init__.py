"""The nouns as pictures: SVG and Mermaid."""
