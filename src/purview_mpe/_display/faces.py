"""All ways to show a noun. Nouns load only this module, and only when they are shown.

Each way is loaded on first use: a script that prints a plan does not load the pictures.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._model.spec import Noun


def text(noun: Noun) -> str:
    """A table that fits 80 columns."""
    from purview_mpe._display.text.text import text

    return text(noun)


def html(noun: Noun) -> str | None:
    """The HTML for a notebook; None for a noun that a notebook shows as text."""
    from purview_mpe._display.html import html

    return html(noun)


def svg(noun: Noun) -> str:
    """The picture."""
    from purview_mpe._display.picture.svg import svg

    return svg(noun)


def mermaid(noun: Noun) -> str:
    """The picture as a Mermaid flowchart."""
    from purview_mpe._display.picture.mermaid import mermaid

    return mermaid(noun)


def pandas(noun: Noun) -> Any:
    """The rows as a data frame."""
    from purview_mpe._display.tables import pandas

    return pandas(noun)
