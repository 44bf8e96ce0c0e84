"""A scene as SVG: no script, no element ids (a page may hold many pictures), no external font or file.

The style follows the system's light or dark setting, and the themes of JupyterLab, VS Code and the documentation. If
the page strips the style, the attributes of the elements still give a readable picture in the page's own colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal, get_args

from purview_mpe._display.markup import escape, shortened
from purview_mpe._display.picture.scene import kind_of
from purview_mpe._display.picture.scenes import scene
from purview_mpe._model.arm_id import last_segment
from purview_mpe._model.words import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from purview_mpe._display.picture.scene import Scene, Way
    from purview_mpe._model.spec import Noun
    from purview_mpe._model.words import Mark

WIDTH = 860
_LEFT, _ENDPOINT_X, _ENDPOINT_WIDTH = 10, 38, 300
_INNER_X, _INNER_WIDTH = 24, 328
_OUTER_WIDTH = 356
_LINE_FROM, _LINE_TO = _ENDPOINT_X + _ENDPOINT_WIDTH, 590
_TARGET_X, _TARGET_WIDTH = 600, 250
_ROW, _GAP, _TOP = 48, 14, 92
#: The top of the first row before the inner box.
_BEFORE_TOP = 64

#: Colour names: the roles of marks, and the parts of a page.
_COLOURS = ("ink", "faint", "rim", "paper", "fill", "good", "attention", "bad", "new")
_LIGHT = "#1b1f24 #57606a #818b98 #fff #f6f8fa #116329 #7d4e00 #b3151d #0550ae"
_DARK = "#e6edf3 #a3adb8 #7d8590 #0d1117 #161b22 #56d364 #e3b341 #ff8078 #79c0ff"
# JupyterLab, VS Code and Sphinx (furo) mark the theme on the body; that mark overrides the system's setting.
_LIGHT_PAGES = ("[data-jp-theme-light=true]", ".vscode-light", "body[data-theme=light]")
_DARK_PAGES = ("[data-jp-theme-light=false]", ".vscode-dark", "body[data-theme=dark]")


def _theme(colours: str) -> str:
    return ";".join(f"--{name}:{colour}" for name, colour in zip(_COLOURS, colours.split(), strict=True))


STYLE = (
    f".pmpe{{{_theme(_LIGHT)};color:var(--ink);background:var(--paper)}}"
    f"@media(prefers-color-scheme:dark){{.pmpe{{{_theme(_DARK)}}}}}"
    f"{','.join(f'{page} .pmpe' for page in _LIGHT_PAGES)}{{{_theme(_LIGHT)}}}"
    f"{','.join(f'{page} .pmpe' for page in _DARK_PAGES)}{{{_theme(_DARK)}}}"
    "svg.pmpe{max-width:100%;height:auto;font:13px system-ui,sans-serif}"
    ".pmpe text{fill:var(--ink);stroke:none}.pmpe .small{fill:var(--faint);font-size:11.5px}"
    ".pmpe .name{font-weight:600}"
    ".pmpe .paper{fill:var(--paper);stroke:none}.pmpe .box{fill:var(--fill);stroke:var(--rim)}"
    ".pmpe .room{fill:none;stroke:var(--rim)}"
    + "".join(
        f".pmpe .{role} text,.pmpe text.{role}{{fill:var(--{role})}}.pmpe .{role} path{{stroke:var(--{role})}}"
        for role in get_args(Role)
    )
)


def only(theme: Literal["light", "dark"]) -> str:
    """The style of a file that has one theme, whatever the system's setting is."""
    return f"svg.pmpe{{{_theme(_LIGHT if theme == 'light' else _DARK)}}}"


def svg(noun: Noun) -> str:
    """The picture of a noun as an SVG file."""
    return draw(scene(noun))


def draw(shown: Scene, extra_style: str = "") -> str:
    """The scene as an `svg` element, for a file or inside HTML."""
    layout = _Layout(shown)
    label = f"{shown.mark.symbol} {shown.title}"
    size = f'width="{WIDTH}" height="{layout.height}" viewBox="0 0 {WIDTH} {layout.height}"'
    looks = 'fill="none" stroke="currentColor" font-family="sans-serif" font-size="13"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="pmpe" role="img" {size} {looks}>',
        f"<title>{escape(shown.title)}</title>",
        f"<desc>{escape(shown.text)}</desc>",
        f"<style>{STYLE}{extra_style}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{layout.height}" stroke="none"/>',
        _text(_LEFT, 24, label, f"name {shown.mark.role}", 105),
        *layout.rooms(),
        *layout.targets(),
        *layout.ways(),
        "</svg>\n",
    ]
    return "\n".join(parts)


@dataclass(frozen=True, slots=True)
class _Layout:
    shown: Scene

    @property
    def height(self) -> int:
        return self._bottom + 30

    @property
    def _shift(self) -> int:
        """How far the rows before the inner box move it down."""
        return len(self.shown.before) * (_ROW + _GAP)

    @property
    def _inner_bottom(self) -> int:
        """The position below the last row of the inner box."""
        rows = max(1, len(self.shown.ways))
        return _TOP + self._shift + rows * _ROW + (rows - 1) * _GAP

    @property
    def _bottom(self) -> int:
        """The position below the last row."""
        return self._inner_bottom + (_GAP if self.shown.after else 0) + len(self.shown.after) * (_ROW + _GAP)

    def _sections(self) -> Iterator[tuple[tuple[Way, ...], int]]:
        """The rows in groups, each with its top."""
        yield self.shown.before, _BEFORE_TOP
        yield self.shown.ways, _TOP + self._shift
        yield self.shown.after, self._inner_bottom + 2 * _GAP

    def rooms(self) -> Iterator[str]:
        """Draw the factory, and the network inside it."""
        yield _box(_LEFT, 36, _OUTER_WIDTH, self._bottom + 26 - 36, kind="room", radius=10)
        yield _labelled(_LEFT + 14, 54, *self.shown.outer, _OUTER_WIDTH - 28)
        yield _box(
            _INNER_X,
            62 + self._shift,
            _INNER_WIDTH,
            self._inner_bottom + 14 - 62 - self._shift,
            kind="room",
            radius=8,
            extra=' stroke-dasharray="6 3"',
        )
        yield _labelled(_INNER_X + 14, 81 + self._shift, *self.shown.inner, _INNER_WIDTH - 28)
        if not self.shown.ways:
            yield _text(_ENDPOINT_X, _TOP + self._shift + 28, self.shown.empty, "small", 40)

    def targets(self) -> Iterator[str]:
        """Draw each target once, at the height of the endpoints that lead to it."""
        for rows, top in self._sections():
            row = 0
            for _, group in groupby(rows, key=lambda way: way.target.casefold()):
                ways = list(group)
                yield from _target(ways[0].target, top + row * (_ROW + _GAP), len(ways))
                row += len(ways)

    def ways(self) -> Iterator[str]:
        """Draw each endpoint with its line and its state."""
        for rows, first in self._sections():
            for row, way in enumerate(rows):
                top = first + row * (_ROW + _GAP)
                yield f'<g class="{way.mark.role}"><title>{escape(f"{way.name}: {way.word}")}</title>'
                yield from _line(way.mark, top + _ROW // 2)
                yield _text(
                    _LEFT + _OUTER_WIDTH + 10,
                    top + _ROW // 2 - 11,
                    f"{way.mark.symbol} {way.word}",
                    f"name {way.mark.role}",
                    27,
                )
                yield "</g>"
                yield from _endpoint(way, top)


def _target(target: str, top: int, rows: int) -> Iterator[str]:
    height = rows * _ROW + (rows - 1) * _GAP
    middle = top + height // 2
    yield f"<g><title>{escape(target)}</title>"
    yield _box(_TARGET_X, top, _TARGET_WIDTH, height, kind="box")
    yield _text(_TARGET_X + 12, middle - 3, last_segment(target), "name", 26)
    yield _text(_TARGET_X + 12, middle + 14, kind_of(target), "small", 34)
    yield "</g>"


def _endpoint(way: Way, top: int) -> Iterator[str]:
    yield f"<g><title>{escape(way.name)}</title>"
    outline = ' stroke-dasharray="2 3"' if way.mark.line == "none" else ""
    yield _box(_ENDPOINT_X, top, _ENDPOINT_WIDTH, _ROW, kind="box", extra=outline)
    yield _text(_ENDPOINT_X + 12, top + 20, way.name, "name", 34)
    yield _text(_ENDPOINT_X + 12, top + 37, way.group_id, "small", 40)
    yield "</g>"


def _line(mark: Mark, y: int) -> Iterator[str]:
    """Draw the line: solid, dashed, dotted, crossed out, or none."""
    start, end = _LINE_FROM, _LINE_TO
    head = f'<path d="M{end - 8} {y - 5}L{end} {y}L{end - 8} {y + 5}" stroke-width="2"/>'
    match mark.line:
        case "none":
            return
        case "cut":
            middle = (_LEFT + _OUTER_WIDTH + end) // 2
            yield f'<path d="M{start} {y}H{middle - 12}M{middle + 12} {y}H{end}" stroke-width="2"/>'
            yield f'<path d="M{middle - 5} {y - 5}l10 10m0 -10l-10 10" stroke-width="2.5"/>'
        case _:
            dash = {"dashed": ' stroke-dasharray="9 5"', "dotted": ' stroke-dasharray="2 5"'}.get(mark.line, "")
            width = {"solid": "3", "thin": "1.5"}.get(mark.line, "2")
            yield f'<path d="M{start} {y}H{end}" stroke-width="{width}"{dash}/>'
    yield head


def _labelled(x: int, y: int, kind: str, name: str, width: int) -> str:
    gap = " " if name else ""
    # Widths in the widest font of the style: 6.7 for a small letter, 8.3 for a bold one.
    columns = max(4, int((width - 6.7 * (len(kind) + 1)) / 8.3))
    return (
        f'<text x="{x}" y="{y}" fill="currentColor" stroke="none"><tspan class="small">{escape(kind)}</tspan>'
        f'{gap}<tspan class="name" font-weight="600">{escape(shortened(name, columns))}</tspan></text>'
    )


def _text(x: int, y: int, text: str, kind: str, columns: int) -> str:
    weight = ' font-weight="600"' if kind.startswith("name") else ""
    return (
        f'<text class="{kind}" x="{x}" y="{y}" fill="currentColor" stroke="none"{weight}>'
        f"{escape(shortened(text, columns))}</text>"
    )


def _box(x: int, y: int, width: int, height: int, *, kind: str, radius: int = 6, extra: str = "") -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"{extra}/>'
