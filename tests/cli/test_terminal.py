"""The terminal: streams that cannot show everything, and widths that differ."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe._cli.terminal import Terminal
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pty() -> Iterator[tuple[int, Any]]:
    """The two ends of a real terminal: the reader, and the stream that a program writes to."""
    module = pytest.importorskip("pty")
    reader, writer = module.openpty()
    with os.fdopen(writer, "w") as stream:
        yield reader, stream
    os.close(reader)


@pytest.mark.parametrize(("columns", "width"), [(40, 60), (80, 80), (100, 100), (300, 120)])
def test_page_width_follows_the_terminal_between_60_and_120(pty: tuple[int, Any], columns: int, width: int) -> None:
    """A wide terminal shows longer names; a very narrow one wraps them."""
    termios = pytest.importorskip("termios")
    _, stream = pty
    termios.tcsetwinsize(stream.fileno(), (50, columns))
    terminal = Terminal(stdout=stream, environ={})
    assert terminal.size(stream) == (columns, 50)
    assert terminal.look(stream).width == width


def test_stream_without_a_terminal_gets_80_columns(screen: Callable[..., Any]) -> None:
    """A pipe has no width, and a stream that only claims to be a terminal has none either."""
    terminal = Terminal(stdin=screen(), stdout=screen(), stderr=screen(tty=True), environ={})
    assert terminal.look(terminal.stdout).width == 80
    assert terminal.look(terminal.stderr).width == 80


def test_unencodable_characters_become_question_marks() -> None:
    """A character that stdout cannot encode becomes a question mark, and the run goes on."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    terminal = Terminal(stdout=stdout, environ={})
    terminal.write("name: Größe…")
    assert stdout.buffer.getvalue() == b"name: Gr??e?\n"  # type: ignore[attr-defined]


def test_terminal_uses_the_processes_streams_by_default() -> None:
    """No stream has to be passed."""
    terminal = Terminal()
    assert (terminal.stdin, terminal.stdout, terminal.stderr) == (sys.stdin, sys.stdout, sys.stderr)


@pytest.mark.parametrize(
    ("environ", "live"),
    [({}, False), ({"WT_SESSION": "x"}, True), ({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False)],
)
def test_the_old_console_of_windows_gets_plain_text(
    screen: Callable[..., Any], environ: dict[str, str], live: bool
) -> None:
    """A console that would show escape sequences as text gets none."""
    terminal = Terminal(stdin=screen(), stdout=screen(tty=True), stderr=screen(), environ=environ, windows=True)
    assert terminal.is_live(terminal.stdout) == live


@pytest.mark.parametrize(("stdin", "stderr"), [(False, True), (True, False)])
def test_without_a_terminal_no_question_is_asked(screen: Callable[..., Any], stdin: bool, stderr: bool) -> None:
    """A question needs a terminal for stderr and for stdin; otherwise `--yes` is required."""
    terminal = Terminal(stdin=screen("y\n", tty=stdin), stdout=screen(), stderr=screen(tty=stderr), environ={})
    with pytest.raises(InvalidSpec, match="--yes: is required because without a terminal the command cannot ask"):
        terminal.confirm("Delete it?")
