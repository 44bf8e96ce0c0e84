"""A state looks the same everywhere: same symbol and colour role in terminal, live progress, notebook and picture."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, get_args
from xml.etree import ElementTree as ET

import pytest

from purview_mpe import Event, Outcome, Report
from purview_mpe._cli.progress import Block
from purview_mpe._cli.terminal import Terminal
from purview_mpe._display.text.page import Look
from purview_mpe._display.text.text import text
from purview_mpe._model.results import Result
from purview_mpe._model.words import RESULTS
from purview_mpe.notebook import Progress
from tests.support.nouns import ACCOUNT, FACTORY, a_spec

if TYPE_CHECKING:
    from collections.abc import Callable

SVG = "{http://www.w3.org/2000/svg}"


def a_report(result: Result) -> Report:
    """One endpoint with one result."""
    outcome = Outcome(name="purview", group_id="account", resource_id=ACCOUNT, result=result)
    return Report(verb="reject", spec=a_spec(), outcomes=(outcome,))


def named(role: str, shown: str) -> str:
    """A painter that writes the role as text."""
    return f"<{role}>{shown}</>"


def in_a_terminal(result: Result) -> set[tuple[str, str]]:
    """The symbol at the start of the row, and the role of the word."""
    page = text(a_report(result), Look(paint=named))
    [(symbol_role, symbol)] = re.findall(r"^  <(\w+)>(.)</> purview", page, re.MULTILINE)
    [word_role] = re.findall(rf"<(\w+)>{result}</>  ", page)
    return {(symbol, symbol_role), (symbol, word_role)}


class Screen(io.StringIO):
    """A terminal that keeps its output."""

    def isatty(self) -> bool:
        return True


class Named(Terminal):
    """A terminal that writes roles instead of colours."""

    def look(self, *_given, **_options) -> Look:
        return Look(paint=named)


def in_live_progress(result: Result) -> set[tuple[str, str]]:
    """The row of the block while the verb runs."""
    screen = Screen()
    block = Block(Named(stderr=screen, stdout=screen, environ={}), now=None)
    outcome = a_report(result).outcomes[0]
    block(Event(kind="step", verb="reject", seconds=1, message="m", outcome=outcome))
    [(symbol_role, symbol)] = re.findall(r"^  <(\w+)>(.)</> purview", screen.getvalue(), re.MULTILINE)
    [word_role] = re.findall(rf"<(\w+)>{result}</>", screen.getvalue())
    return {(symbol, symbol_role), (symbol, word_role)}


class Display:
    """Keeps the data that IPython would show."""

    shown: dict[str, str]

    def display(self, data, **_options):
        self.shown = data
        return self

    def update(self, data, **_options):
        self.shown = data


def in_a_notebook(result: Result) -> set[tuple[str, str]]:
    """The report's table, and the picture of the live progress."""
    markup = a_report(result)._repr_html_()
    assert markup is not None
    found = set(re.findall(rf'<td class="(\w+)">(\S+) {result}</td>', markup))
    display = Display()
    listener = Progress(display)
    outcome = a_report(result).outcomes[0]
    listener(Event(kind="step", verb="reject", seconds=1, message="m", factory=FACTORY, outcome=outcome))
    found |= set(re.findall(rf'<text class="name (\w+)"[^>]*>(\S+) {result}</text>', display.shown["text/html"]))
    return {(symbol.replace("&gt;", ">"), role) for role, symbol in found}


def in_a_picture(result: Result) -> set[tuple[str, str]]:
    """The label on the line to the target."""
    root = ET.fromstring(a_report(result).to_svg())  # noqa: S314 - the library's picture
    labels = [(one.text or "", one.get("class", "")) for one in root.iter(f"{SVG}text")]
    return {(label.split()[0], kind.removeprefix("name ")) for label, kind in labels if label.endswith(f" {result}")}


READERS: dict[str, Callable[[Result], set[tuple[str, str]]]] = {
    "terminal": in_a_terminal,
    "live progress": in_live_progress,
    "notebook": in_a_notebook,
    "picture": in_a_picture,
}


@pytest.mark.parametrize("surface", READERS)
@pytest.mark.parametrize("result", get_args(Result))
def test_a_result_looks_the_same_everywhere(result, surface):
    """Symbol and colour role are those of the vocabulary."""
    mark = RESULTS[result].mark
    assert READERS[surface](result) == {(mark.symbol, mark.role)}
