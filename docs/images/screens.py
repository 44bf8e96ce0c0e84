"""Makes the terminal screenshots: `python docs/images/screens.py` writes them beside this file.

Each is a real run of the command in a terminal of its own, whose output a terminal emulator turns into a screen.
"""

# ruff: noqa: INP001 - a script that lies beside its pictures

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "terminal"
_LINES = 200
#: Ends a drawing of the progress: it clears the rest of the screen.
_DRAWN = b"\x1b[J"


@dataclass(frozen=True)
class Shot:
    """One screenshot: the scene on the emulator, the words of the command, and the terminal."""

    name: str
    scene: str
    command: tuple[str, ...]
    title: str
    columns: int = 80
    #: The screenshot is of the progress, as soon as this is on the screen; without it, it is of the end.
    moment: str = ""

    @cached_property
    def lines(self) -> list[list[tuple[str, str]]]:
        """The lines of the screen, each as pieces of text with their style."""
        screen = pyte.Screen(self.columns, _LINES)
        stream = pyte.ByteStream(screen)
        for piece in self._drawings():
            # pyte has no faint text (SGR 2); terminals show it about as bright black.
            stream.feed(piece.replace(b"\x1b[2m", b"\x1b[90m"))
            if self.moment and re.search(self.moment, "\n".join(screen.display)):
                break
        shown = [list(_pieces(screen, row)) for row in range(_LINES)]
        while not shown[-1]:
            shown.pop()
        return [[("$ ", "bright_black"), (line, "bold")] for line in self._typed()] + shown

    @property
    def text(self) -> str:
        """What the screen says."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self.lines) + "\n"

    def _typed(self) -> list[str]:
        return [" ".join(("purview-mpe", *self.command))]

    def _drawings(self) -> list[bytes]:
        written = _on_a_terminal([sys.executable, str(HERE / "at_the_emulator.py"), self.scene, *self.command], self.columns)
        return [piece + _DRAWN for piece in written.split(_DRAWN)]

    def svg(self, theme: TerminalTheme) -> str:
        """The screenshot in one theme."""
        console = Console(record=True, width=self.columns, file=io.StringIO(), force_terminal=True, color_system="truecolor", legacy_windows=False)
        for line in self.lines:
            console.print(Text.assemble(*((text, style) for text, style in line)), no_wrap=True, overflow="ignore", crop=False)
        return console.export_svg(title=self.title, theme=theme, code_format=_FORMAT, unique_id="shot") + "\n"


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


def _on_a_terminal(command: list[str], columns: int) -> bytes:
    """All that a command writes to a terminal of this width."""
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(sys.path)}
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(command, stdin=writer, stdout=writer, stderr=writer, cwd=folder, env=environment)
        os.close(writer)
        written = b""
        try:
            while piece := os.read(reader, 65536):
                written += piece
        except OSError:  # Linux says so when the last writer is gone
            pass
        os.close(reader)
        process.wait()
    return written


def _theme(background: str, foreground: str, *colours: str) -> TerminalTheme:
    def rgb(text: str) -> tuple[int, int, int]:
        return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)

    return TerminalTheme(rgb(background), rgb(foreground), [rgb(one) for one in colours[:8]], [rgb(one) for one in colours[8:]])


#: The colours of Visual Studio Code's terminal: black, red, green, yellow, blue, magenta, cyan, white, and the bright.
THEMES = {
    "light": _theme("ffffff", "3b3b3b", *"000000 cd3131 107c10 949800 0451a5 bc05bc 0598bc 555555 666666 cd3131 14ce14 b5ba00 0451a5 bc05bc 0598bc a5a5a5".split()),
    "dark": _theme("1f1f1f", "cccccc", *"000000 cd3131 0dbc79 e5e510 2472c8 bc3fbc 11a8cd e5e5e5 666666 f14c4c 23d18b f5f543 3b8eea d670d6 29b8db e5e5e5".split()),
}
#: As Rich's own, without the font that it loads from elsewhere.
_FORMAT = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 16px; font-family: system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
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

_ONE = ("--spec", "sales.json")
SHOTS = [
    Shot("create-running", "new", ("create", *_ONE), "create, while Azure works", moment=r"Waiting for purview_blob, purview_queue"),
    Shot("create", "new", ("create", *_ONE), "create"),
    Shot("status", "decided", ("status", *_ONE), "status"),
    Shot("onboard", "bare", ("onboard", *_ONE, "--approve"), "onboard"),
    Shot("diagnose", "decided", ("diagnose", *_ONE), "diagnose"),
    Shot("fleet-running", "fleet", ("create", "--fleet", "fleet.csv", "--approve"), "create for a fleet, while Azure works", moment=r" [1-9]\d of 300"),
    Shot("fleet", "fleet", ("create", "--fleet", "fleet.csv", "--approve"), "create for a fleet"),
]


def main() -> None:
    """Write every screenshot, light and dark."""
    FOLDER.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    for shot in SHOTS:
        if wanted and shot.name not in wanted:
            continue
        for theme, colours in THEMES.items():
            (FOLDER / f"{shot.name}-{theme}.svg").write_text(shot.svg(colours), encoding="utf-8")


if __name__ == "__main__":
    main()
