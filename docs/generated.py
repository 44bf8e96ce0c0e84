"""Writes the parts of the documentation that come from the source: `python docs/generated.py`.

A test compares them with what this script would write.
"""

# ruff: noqa: INP001 - a script that lies beside its pages

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

from purview_mpe._display.pages import ERRORS, error_page, finding_page
from purview_mpe._model import words
from purview_mpe._rules.findings.catalogue import CATALOGUE
from purview_mpe.errors import OUTCOME_CODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DOCS = Path(__file__).resolve().parent


def pages() -> dict[Path, str]:
    """Each page with generated parts, as it should be."""
    made = {
        DOCS / "errors.md": errors_page,
        DOCS / "findings.md": findings_page,
        DOCS / "gallery.md": gallery_page,
        DOCS / "reference" / "words.md": words_page,
        DOCS / "verbs" / "status.md": status_page,
    }
    return {page: make(page.read_text(encoding="utf-8")) for page, make in made.items()}


#: Headings of the page on findings, and what stands below them before the first code.
_LINKS: Mapping[str, tuple[str, str]] = {
    "Account": ("The account", ""),
    "Factory": ("The factory", ""),
    "Endpoints": ("Endpoints", ""),
    "Network": ("Your own network", ""),
    "Approvals": ("Approvals", ""),
    "Rights": (
        "Rights",
        """\
What a caller is allowed to do is read from Azure, at each scope.
A finding names the right that is missing and still needed.
""",
    ),
    "Runs": ("Runs", ""),
    "Fleets": ("Fleets", ""),
}


def findings_page(text: str) -> str:
    """The page with a section for each link of the chain, and a heading for each code."""
    parts = [text.partition("\n## ")[0].rstrip("\n") + "\n"]
    for link, (heading, introduction) in _LINKS.items():
        parts.append(f"\n## {heading}\n\n{introduction}".rstrip("\n") + "\n")
        parts += (f"\n### `{kind.code}`\n\n{finding_page(kind)}" for kind in CATALOGUE.values() if kind.link == link)
    return "".join(parts)


def errors_page(text: str) -> str:
    """The page with a heading for each code."""
    parts = [text.partition("\n## ")[0].rstrip("\n") + "\n"]
    parts += (f"\n## `{code}`\n\n{error_page(code)}" for code in (*ERRORS, *OUTCOME_CODES))
    return "".join(parts)


def gallery_page(text: str) -> str:
    """The page with every picture and every terminal, light and dark."""
    parts = [text.partition("\n## ")[0].rstrip("\n") + "\n"]
    parts.append("\n## Pictures\n")
    for picture in runpy.run_path(str(DOCS / "images" / "pictures.py"))["PICTURES"]:
        head = f"\n### {picture.title}\n\n{picture.text}\n`{picture.call}` gives it.\n"
        parts += [head, *(_image(f"gallery/{picture.name}", picture.title, theme) for theme in _THEMES)]
    parts.append("\n## Terminals\n")
    for shot in runpy.run_path(str(DOCS / "images" / "shots.py"))["SHOTS"]:
        head = f"\n### {shot.title}\n\n{shot.text}\n"
        parts += [head, *(_image(f"terminal/{shot.name}", shot.title, theme) for theme in _THEMES)]
    return "".join(parts)


_THEMES = ("light", "dark")


def _image(path: str, title: str, theme: str) -> str:
    return f"\n![{title}, {theme}](images/{path}-{theme}.svg)\n"


def status_page(text: str) -> str:
    """The page with the table of verdicts and what to do about each."""
    rows = (
        (f"`{verdict}`", f"`{word.mark.symbol}`", word.meaning, word.advice or "Nothing.")
        for verdict, word in words.VERDICTS.items()
    )
    return _with_table(text, "Verdicts", ("verdict", "mark", "meaning", "what to do"), rows)


def words_page(text: str) -> str:
    """The page with the tables of the vocabulary."""
    marked: dict[str, Mapping[str, words.Word]] = {
        "Actions": dict(words.ACTIONS),
        "Results": dict(words.RESULTS),
        "Verdicts": dict(words.VERDICTS),
        "Severities": dict(words.SEVERITIES),
    }
    plain: dict[str, Mapping[str, str]] = {
        "Firewall settings": {word: meaning for word, (_, meaning) in words.FIREWALLS.items()},
        "Where connections are listed": dict(words.CONNECTION_LISTS),
        "Subjects": dict(words.SUBJECTS),
        "Kinds of runtime": dict(words.RUNTIME_KINDS),
    }
    for heading, states in marked.items():
        rows = ((f"`{state}`", f"`{word.mark.symbol}`", word.meaning) for state, word in states.items())
        text = _with_table(text, heading, ("word", "mark", "meaning"), rows)
    for heading, kinds in plain.items():
        rows = ((f"`{kind}`", meaning) for kind, meaning in kinds.items())
        text = _with_table(text, heading, ("word", "meaning"), rows)
    symbols = ((f"`{symbol}`", meaning) for symbol, meaning in words.SYMBOLS.items())
    return _with_table(text, "Marks", ("mark", "meaning"), symbols)


def _with_table(text: str, heading: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """The page with a new table under a heading, in place of the one there."""
    table = "".join(f"| {' | '.join(cells)} |\n" for cells in (head, *rows))
    table = table.replace("\n", f"\n|{'---|' * len(head)}\n", 1)
    found = re.search(rf"^## {heading}\n.*?^((?:\|[^\n]*\n)+)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise LookupError(f"No table stands under the heading {heading!r}")
    return text[: found.start(1)] + table + text[found.end(1) :]


if __name__ == "__main__":
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
