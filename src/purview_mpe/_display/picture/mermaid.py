"""A scene as a Mermaid flowchart, for wikis and pull requests that render it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._display.markup import harmless, shortened
from purview_mpe._display.picture.scene import kind_of
from purview_mpe._display.picture.scenes import scene
from purview_mpe._model.arm_id import last_segment

if TYPE_CHECKING:
    from purview_mpe._display.picture.scene import Way
    from purview_mpe._model.spec import Noun
    from purview_mpe._model.words import Line

_LINKS: dict[Line, str] = {
    "solid": "==>",
    "thin": "-->",
    "dashed": "-.->",
    "dotted": "-.->",
    "cut": "--x",
    "none": "-.-x",
}
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 .,:_-")


def mermaid(noun: Noun) -> str:
    """The picture of a noun as Mermaid text."""
    shown = scene(noun)
    targets = dict.fromkeys(way.target.casefold() for way in shown.rows)
    number = {target: count for count, target in enumerate(targets)}
    first: dict[str, Way] = {}
    for way in shown.rows:
        first.setdefault(way.target.casefold(), way)
    lines = [
        "flowchart LR",
        f"  accTitle: {''.join(c if c in _PLAIN else ' ' for c in shown.title)}",
        f'  subgraph factory["{label(" ".join(shown.outer))}"]',
        f'    subgraph network["{label(" ".join(shown.inner).strip())}"]',
        *(f"      {_node(row, way)}" for row, way in enumerate(shown.rows) if way in shown.ways),
        "    end",
        *(f"    {_node(row, way)}" for row, way in enumerate(shown.rows) if way not in shown.ways),
        "  end",
        *(
            f'  t{number[key]}["{label(last_segment(way.target))}<br/>{label(kind_of(way.target))}"]'
            for key, way in first.items()
        ),
        *(f"  e{row} {_link(way)} t{number[way.target.casefold()]}" for row, way in enumerate(shown.rows)),
    ]
    return "\n".join(lines) + "\n"


def _node(row: int, way: Way) -> str:
    return f'e{row}["{label(way.name)}<br/>{label(way.group_id)}"]'


def _link(way: Way) -> str:
    return f'{_LINKS[way.mark.line]}|"{label(f"{way.mark.symbol} {way.word}")}"|'


def label(text: str) -> str:
    """Text inside quotes: special characters are written as numbers, so that none of them is markup or syntax."""
    return "".join(c if c in _PLAIN else f"#{ord(c)};" for c in shortened(harmless(text), 90))
