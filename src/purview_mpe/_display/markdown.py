"""How the nouns look in Markdown, for CI summaries and comments: the pages of the terminal, not wrapped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from purview_mpe._display.text.page import Cell, Look, Page, clean
from purview_mpe._display.text.render import render
from purview_mpe._display.text.text import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from purview_mpe._display.text.page import Role
    from purview_mpe._model.spec import Noun

__all__ = ["TABLES", "markdown"]

#: What Markdown or HTML would read as markup. Underscores inside words are none in GitHub's Markdown.
_MARKUP = re.compile(r"([\\`*\[\]<>|#~])")


def markdown(noun: Noun, *, verbose: bool = False) -> str:
    """The noun as Markdown, in the words of the command line."""
    page = MarkdownPage(Look(verbose=verbose, on_command_line=True))
    render(noun, page)
    return str(page)


class MarkdownPage(Page):
    """A page whose parts are headings, lists, tables and blocks of code."""

    def line(self, text: str, role: Role | None = None) -> None:
        """Add a line unchanged, as code: it is an id or a command."""
        del role
        self.block(text.strip())

    def title(self, text: str, role: Role = "strong") -> None:
        """Add a heading."""
        del role
        self._part([f"{'###' if self._lines else '##'} {_escaped(self._said(text))}"])

    def prose(self, text: str, *, indent: int = 2, bullet: str = "", role: Role | None = None) -> None:
        """Add a paragraph, or an item of a list if it has a bullet."""
        del indent
        said = _escaped(self._said(text))
        if bullet.strip():
            self._item(f"- {_marked(bullet)} {said}")
        else:
            self._part([f"**{said}**" if role in {"strong", "bad"} else said])

    def block(self, text: str, *, indent: int = 2) -> None:
        """Add a text for another person or for a shell, as code."""
        del indent
        lines = [clean(line) for line in text.splitlines()]
        fence = "`" * max(3, 1 + max((len(ticks) for ticks in re.findall(r"`+", text)), default=0))
        self._part([fence, *lines, fence])

    def fields(self, rows: Iterable[tuple[str, str | None]], *, indent: int = 2) -> None:
        """Add labels with their values, as a list."""
        del indent
        for label, value in rows:
            if value:
                self._item(f"- {_escaped(label)}: {_escaped(value)}")

    def table(
        self, rows: Sequence[Sequence[str | Cell]], head: Sequence[str] | None = None, *, indent: int = 2
    ) -> None:
        """Add rows, with a head if there is one."""
        del indent
        cells = [[_cell(cell) for cell in row] for row in rows]
        heading = [heading.capitalize() for heading in head] if head else [""] * len(cells[0])
        self._part([_row(heading), _row(["---"] * len(heading)), *map(_row, cells)])

    def _part(self, lines: Sequence[str]) -> None:
        self.gap()
        self._lines += lines

    def _item(self, line: str) -> None:
        if not (self._lines and self._lines[-1].startswith("- ")):
            self.gap()
        self._lines.append(line)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: str | Cell) -> str:
    text = cell if isinstance(cell, str) else cell.text
    return _marked(text) if len(text) == 1 and not text.isalnum() else _escaped(text)


def _marked(symbol: str) -> str:
    """A mark as code, so that + and = begin no list and no heading."""
    return f"`{clean(symbol).strip()}`"


def _escaped(text: str) -> str:
    return _MARKUP.sub(r"\\\1", clean(text))
