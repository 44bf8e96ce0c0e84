"""How the nouns look in a terminal: tables that fit 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from purview_mpe._spec import Noun


def text(noun: Noun) -> str:
    """The noun as a table, or as its fields where it has no table of its own."""
    return repr(noun)
