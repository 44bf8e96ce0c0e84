"""All the ways in which a noun can be looked at: the one module that nouns load, when somebody looks.

Each way is loaded when it is asked for: a script that prints a plan needs no pictures.
"""

# ruff: noqa: PLC0415 - as said above

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from purview_mpe._model.spec import Noun


def text(noun: Noun) -> str:
    """A table that fits 80 columns."""
    from purview_mpe._display.text.text import text

    return text(noun)


def html(noun: Noun) -> str | None:
    """What a notebook shows; None for what it shows as text."""
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
