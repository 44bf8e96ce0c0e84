"""All the ways in which a noun can be looked at: the one module that nouns load, when somebody looks."""

from __future__ import annotations

from purview_mpe._display.html import html
from purview_mpe._display.picture.mermaid import mermaid
from purview_mpe._display.picture.svg import svg
from purview_mpe._display.tables import pandas
from purview_mpe._display.text.text import text

__all__ = ["html", "mermaid", "pandas", "svg", "text"]
