"""Makes the terminal screenshots: `python docs/images/screens.py` writes them beside this file.

Each is a real run of the command in a terminal of its own, whose output a terminal emulator turns into a screen.
"""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pyte
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text
from shots import SHOTS, Shot

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent

FOLDER = HERE / "terminal"
_LINES = 200
#: Columns between two characters, as Rich draws them.
_CHARACTER = 12.2
#: Ends a drawing of the progress: it clears the rest of the screen.
_DRAWN = b"\x1b[J"


@dataclass(frozen=True)
class Screen:
    """What a terminal shows at one moment: lines, each in pieces of text with their style."""

    columns: int
    lines: list[list[tuple[str, str]]]

    @property
    def text(self) -> str:
        """The screen without styles."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self.lines)

    def svg(self, title: str, theme: TerminalTheme) -> str:
        """The screen in one theme."""
        console = Console(
            file=io.StringIO(),
            record=True,
            width=self.columns,
            force_terminal=True,
            color_system="truecolor",
            legacy_windows=False,
        )
        # Rich cuts the last line at its foot, so that an empty one follows.
        for line in [*self.lines, []]:
            console.print(Text.assemble(*line), no_wrap=True, overflow="ignore", crop=False)
        return console.export_svg(title=title, theme=theme, code_format=_FORMAT, unique_id="shot") + "\n"


def taken(shot: Shot) -> Screen:
    """The screen that a run of the shot's command gives."""
    screen = pyte.Screen(shot.columns, _LINES)
    stream = pyte.ByteStream(screen)
    for piece in _written(shot.scene, shot.command, shot.columns).split(_DRAWN):
        # pyte has no faint text (SGR 2); terminals show it about as bright black.
        stream.feed(piece.replace(b"\x1b[2m", b"\x1b[90m") + _DRAWN)
        if shot.moment and re.search(shot.moment, "\n".join(map(str.rstrip, screen.display)), re.MULTILINE):
            break
    else:
        if shot.moment:
            raise LookupError(f"{shot.moment!r} was never on the screen of {shot.name}")
    shown = [list(_pieces(screen, row)) for row in range(_LINES)]
    while not shown[-1]:
        shown.pop()
    typed = " ".join(map(shlex.quote, ("purview-mpe", *shot.command)))
    return Screen(shot.columns, [[("$ ", "bright_black"), (typed, "bold")], *shown])


def _pieces(screen: pyte.Screen, row: int) -> Iterator[tuple[str, str]]:
    """A line of the screen, cut where the style changes, without the blanks at its end."""
    cells = [screen.buffer[row][column] for column in range(screen.columns)]
    while cells and cells[-1].data == " ":
        cells.pop()
    pieces: list[tuple[str, str]] = []
    for cell in cells:
        colour = {"brightblack": "bright_black", "brown": "yellow", "default": ""}.get(cell.fg, cell.fg)
        style = " ".join(filter(None, ("bold" if cell.bold else "", colour)))
        if pieces and pieces[-1][1] == style:
            pieces[-1] = (pieces[-1][0] + cell.data, style)
        else:
            pieces.append((cell.data, style))
    yield from pieces


def _written(scene: str, words: tuple[str, ...], columns: int) -> bytes:
    """All that a command writes to a terminal of this width."""
    reader, writer = pty.openpty()
    termios.tcsetwinsize(writer, (40, columns))
    environment = {
        **os.environ,
        "TERM": "xterm-256color",
        "COLUMNS": str(columns),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    for name in [name for name in environment if name == "NO_COLOR" or name.startswith("PURVIEW_MPE_")]:
        del environment[name]
    command = [sys.executable, str(HERE / "at_the_emulator.py"), scene, *words]
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, cwd=folder, env=environment)
        os.close(writer)
        with os.fdopen(reader, "rb", buffering=0) as terminal:
            written = b"".join(_read(terminal))
        process.wait()
    return written


def _read(terminal: io.FileIO) -> Iterator[bytes]:
    with contextlib.suppress(OSError):  # Linux raises it when the last writer is gone
        while piece := terminal.read(65536):
            yield piece


def _theme(background: str, foreground: str, normal: str, bright: str) -> TerminalTheme:
    """A theme from colours in hexadecimal digits; the eight colours run from black to white."""

    def rgb(digits: str) -> tuple[int, int, int]:
        red, green, blue = bytes.fromhex(digits)
        return red, green, blue

    return TerminalTheme(rgb(background), rgb(foreground), [*map(rgb, normal.split())], [*map(rgb, bright.split())])


#: The default colours of Visual Studio Code's terminal.
THEMES = {
    "light": _theme(
        "ffffff",
        "3b3b3b",
        "000000 cd3131 107c10 949800 0451a5 bc05bc 0598bc 555555",
        "666666 cd3131 14ce14 b5ba00 0451a5 bc05bc 0598bc a5a5a5",
    ),
    "dark": _theme(
        "1f1f1f",
        "cccccc",
        "000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5",
        "666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db e5e5e5",
    ),
}
#: As Rich's own, without the font that it loads from elsewhere.
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
font: {char_height}px/{line_height}px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
}}
.{unique_id}-title {{ font: 16px system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>"""


def drawings(name: str) -> dict[Path, str]:
    """A screenshot in every theme."""
    [shot] = [shot for shot in SHOTS if shot.name == name]
    screen = taken(shot)
    title = shot.title.replace("`", "")
    return {FOLDER / f"{name}-{theme}.svg": screen.svg(title, colours) for theme, colours in THEMES.items()}


def text_in(drawing: str) -> str:
    """What the screen in a drawing says, so that a drawing can be compared with a run."""
    root = ET.fromstring(drawing)
    lines: dict[float, str] = {}
    for piece in root.iter("{http://www.w3.org/2000/svg}text"):
        if piece.get("clip-path"):
            column = round(float(piece.get("x", "0")) / _CHARACTER)
            row = float(piece.get("y", "0"))
            lines[row] = lines.get(row, "").ljust(column) + (piece.text or "")
    step = min((b - a for a, b in pairwise(sorted(lines))), default=1.0)
    rows = {round((row - min(lines)) / step): text for row, text in lines.items()}
    return "\n".join(rows.get(row, "").replace("\xa0", " ").rstrip() for row in range(max(rows) + 1)).rstrip()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in sys.argv[1:] or [shot.name for shot in SHOTS]:
        for path, drawing in drawings(each).items():
            path.write_text(drawing, encoding="utf-8")
