"""The three streams of one run: what goes where, whether there is colour, and whether a person can answer."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from purview_mpe._cli import querying
from purview_mpe._display.text.page import Look, Page, Role, plain
from purview_mpe.errors import InvalidSpec, PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._display.text.page import Paint
    from purview_mpe._model.spec import Noun

_COLOURS: Mapping[Role, str] = {"strong": "1", "faint": "2", "good": "32", "new": "32", "attention": "33", "bad": "31"}
_NARROWEST, _WIDEST = 60, 120


class CannotWrite(PurviewMpeError):
    """Something on this machine could not be written: a full disk, a file that is not writable."""


class Terminal:
    """Data goes to stdout, everything else to stderr.

    Args:
        stdin: Where answers come from; the process's own by default, like the others.
        stdout: Where data goes.
        stderr: Where messages and progress go.
        environ: Environment variables: `NO_COLOR`, `TERM`, and those that identify the terminals of Windows.
        windows: Whether this is Windows.
    """

    def __init__(
        self,
        *,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
        windows: bool = os.name == "nt",
    ) -> None:
        self.stdin = stdin or sys.stdin
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.environ: Mapping[str, str] = os.environ if environ is None else environ
        self._windows = windows
        self._below_a_page = False
        for stream in (self.stdout, self.stderr):
            # A character that the stream cannot encode becomes a question mark; it does not end the run.
            if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
                stream.reconfigure(errors="replace")

    def is_live(self, stream: TextIO) -> bool:
        """Whether the stream is a terminal that understands escape sequences."""
        if not stream.isatty() or self.environ.get("TERM") == "dumb":
            return False
        # The old console of Windows shows escape sequences as text; every other terminal on Windows sets one of these.
        return not self._windows or bool(self.environ.keys() & {"WT_SESSION", "TERM", "ANSICON", "ConEmuANSI"})

    def look(self, stream: TextIO, *, verbose: bool = False) -> Look:
        """The look of pages for a stream: the terminal's width within limits, or 80 columns for a file or pipe."""
        width = min(max(self.size(stream)[0], _NARROWEST), _WIDEST) if stream.isatty() else 80
        return Look(width=width, paint=self._paint(stream), verbose=verbose, on_command_line=True)

    def size(self, stream: TextIO) -> tuple[int, int]:
        """Columns and lines of a stream's terminal."""
        try:
            return os.get_terminal_size(stream.fileno())
        except (OSError, ValueError):
            return 80, 24

    def wants_json(self, output: str | None) -> bool:
        """Whether the answer is JSON: by default a person gets a table, and a program JSON."""
        return output == "json" or (output is None and not self.stdout.isatty())

    def show(
        self,
        noun: Noun,
        output: str | None,
        *,
        query: str | None = None,
        verbose: bool = False,
        one_line: bool = False,
    ) -> None:
        """Print a noun on stdout; `one_line` is for JSON that more lines follow."""
        if output == "tsv":
            if written := querying.rows_of(noun) if query is None else querying.tsv(_data(noun, query)):
                self.write(written)
        elif query is not None or self.wants_json(output):
            # ASCII only, so that every stream accepts it, and no terminal obeys what a server has put into a name.
            self.write(json.dumps(_data(noun, query), indent=None if one_line else 2))
        elif output == "markdown":
            from purview_mpe._display.markdown import markdown  # noqa: PLC0415 - as below

            self.write(markdown(noun, verbose=verbose))
        else:
            from purview_mpe._display.text.text import text  # noqa: PLC0415 - loads pydantic, unlike --help

            self.write(text(noun, self.look(self.stdout, verbose=verbose)))
            self._below_a_page = self.stdout.isatty() and self.stderr.isatty()

    def write(self, text: str) -> None:
        """Write data to stdout.

        Raises:
            CannotWrite: stdout cannot be written.
        """
        try:
            print(text, file=self.stdout, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = error.strerror
        else:
            return
        raise CannotWrite(
            f"The answer could not be written to stdout: {reason}.",
            remedy="Free some space or send it elsewhere, and repeat the command. That is safe: existing work is kept.",
        )

    def show_on_stderr(self, noun: Noun, *, verbose: bool = False) -> None:
        """Show a noun as a table on stderr, after stdout failed."""
        from purview_mpe._display.text.text import text  # noqa: PLC0415 - as above

        self._message(text(noun, self.look(self.stderr, verbose=verbose)))

    def say(self, text: str, role: Role | None = None) -> None:
        """Write a message to stderr."""
        page = Page(self.look(self.stderr))
        page.prose(text, indent=0, role=role)
        self._message(page)

    def pass_on(self, text: str) -> None:
        """Write a text for another person to stderr, unchanged."""
        self._message(text)

    def _message(self, what: object) -> None:
        gap = "\n" if self._below_a_page else ""
        self._below_a_page = False
        with contextlib.suppress(OSError):  # a full disk under stderr must not end the run
            print(gap, end="", file=self.stderr)
            print(what, file=self.stderr, flush=True)

    def complain(self, error: PurviewMpeError, *, verbose: bool = False) -> None:
        """Show an error with its remedy."""
        page = Page(self.look(self.stderr, verbose=verbose))
        first, *more = error.message.splitlines() or [""]
        page.prose(first, indent=0, bullet="error: ", role="bad")
        for line in more:
            page.prose(line, indent=len(line) - len(line.lstrip()))
        page.advice(error.remedy)
        if error.code != PurviewMpeError.code:
            page.prose(f"More: purview-mpe explain {error.code}")
        if verbose:
            page.trail(error.code, error)
        self._message(page)

    def confirm(self, question: str) -> bool:
        """Ask a person to confirm something that cannot be undone.

        Raises:
            InvalidSpec: stdin or stderr is not a terminal, so no person can answer.
        """
        if not (self.stdin.isatty() and self.stderr.isatty()):
            raise InvalidSpec(
                "The command",
                [("--yes", f"is required because without a terminal the command cannot ask: {question}")],
                remedy="Repeat the command with --yes if you agree; nothing was written to Azure.",
            )
        print(f"{question} [y/N] ", end="", file=self.stderr, flush=True)
        return self.stdin.readline().strip().casefold() in {"y", "yes"}

    def _paint(self, stream: TextIO) -> Paint:
        # NO_COLOR counts if it is set and not empty (no-color.org).
        return _painted if self.is_live(stream) and not self.environ.get("NO_COLOR") else plain


def _data(noun: Noun, query: str | None) -> Any:
    """The JSON of an answer, or the part of it that a query names.

    Raises:
        CannotWrite: the query does not fit the answer, which is complete.
    """
    try:
        return querying.queried(noun.model_dump(mode="json"), query)
    except querying.CannotAnswer as error:
        problem = f"--query does not fit the answer: {error}."
    raise CannotWrite(problem, remedy="Repeat the command with another --query. That is safe: existing work is kept.")


def _painted(role: Role, text: str) -> str:
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m"
