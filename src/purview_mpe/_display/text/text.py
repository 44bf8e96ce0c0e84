"""How the nouns look in a terminal: tables that fit 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._display.text import checkup as text_assessment
from purview_mpe._display.text import fleets as text_fleet
from purview_mpe._display.text import nouns as text_nouns
from purview_mpe._display.text.page import Look, Page
from purview_mpe._display.text.render import render

if TYPE_CHECKING:
    from purview_mpe._model.spec import Noun

#: The modules that register tables, listed here so that importing this module is enough.
TABLES = (text_nouns, text_assessment, text_fleet)


def text(noun: Noun, look: Look | None = None) -> str:
    """The noun as a table, or as its fields if it has no table of its own."""
    page = Page(look or Look())
    render(noun, page)
    return str(page)
