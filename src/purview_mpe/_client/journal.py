"""The file to which a fleet verb appends each report, so that a later run can resume from it."""

from __future__ import annotations

import errno
import importlib
import os
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from purview_mpe import _model
from purview_mpe._model.journal import is_journal, is_whole, last_line
from purview_mpe._rules.findings.fleets import JOURNAL_INCOMPLETE
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO
    from pathlib import Path
    from types import TracebackType

    from purview_mpe._model.results import Finding, Report

#: Errors of the operating system when another process holds the lock.
_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})
#: Windows locks a range of bytes and blocks others from reading it, so the locked byte lies beyond all content.
_BEHIND_ALL = 1 << 40


class Journal:
    """A file that gets each report as soon as it is complete, one per line; without a path nothing is written.

    The file is locked until it is closed, and the operating system releases the lock when the process ends. A full disk
    does not end the run: a report that could not be written is written again with the next one, and `say` is called.

    Args:
        path: The file; it is created if it does not exist.
        say: Called with one sentence when writing fails, and when it works again.

    Raises:
        InvalidSpec: the file cannot be written, is not a journal, or another run is writing it.
    """

    def __init__(self, path: str | Path | None, say: Callable[[str], None] = lambda _: None) -> None:
        self._path = "" if path is None else str(path)
        self._say = say
        self._file = None if path is None else _opened(path)
        self._end = 0 if self._file is None else os.fstat(self._file.fileno()).st_size
        self._unwritten: deque[bytes] = deque()
        self._trouble = ""

    def add(self, report: Report) -> None:
        """Append a report; when this returns, the operating system has the report, unless the disk is full."""
        if self._file is not None:
            self._unwritten.append(report.model_dump_json().encode() + b"\n")
            self._write(self._file)

    @property
    def warning(self) -> Finding | None:
        """A finding about reports that are missing from the file; None if every report is in it."""
        if not self._unwritten:
            return None
        return JOURNAL_INCOMPLETE.found(
            reports=_reports(len(self._unwritten)), path=self._path, evidence=(self._trouble,)
        )

    def _write(self, file: FileIO) -> None:
        try:
            while self._unwritten:
                self._write_line(file, self._unwritten[0])
                self._unwritten.popleft()
        except OSError as error:
            self._report_trouble(error.strerror or str(error))
        else:
            if self._trouble:
                self._say(f"The journal {self._path!r} can be written again, and every report so far is in it.")
                self._trouble = ""

    def _write_line(self, file: FileIO, line: bytes) -> None:
        # A failed or interrupted attempt may have left part of a line.
        os.ftruncate(file.fileno(), self._end)
        written = 0
        while written < len(line):
            written += file.write(line[written:])
        self._end += len(line)

    def _report_trouble(self, why: str) -> None:
        if not self._trouble:
            self._say(
                f"The journal {self._path!r} cannot be written ({why}). The run goes on, and its reports are kept in "
                "memory until the file can be written."
            )
        self._trouble = why

    def close(self) -> None:
        """Write what is left, and release the file for other runs."""
        if self._file is None or self._file.closed:
            return
        try:
            self._write(self._file)
            if self._unwritten:
                os.ftruncate(self._file.fileno(), self._end)
        except OSError:
            pass  # part of a line is left at the end; the next run that opens the file removes it
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _opened(path: str | Path) -> FileIO:
    file = _model.fleets.path_of(path, "journal")
    if file.exists() and not file.is_file():
        raise _refused(f"{str(path)!r} is not a regular file")
    try:
        opened = file.open("ab+", buffering=0)
    except OSError as error:
        problem = f"{str(path)!r} cannot be written: {error.strerror}"
    else:
        try:
            _lock(opened, str(path))
            _repair(opened, str(path))
        except BaseException:
            opened.close()
            raise
        return opened
    raise _refused(problem)


def _lock(file: FileIO, path: str) -> None:
    try:
        _lock_of_this_system()(file)
    except OSError as error:
        held = error.errno in _HELD
        problem = (
            f"{path!r} is being written by another run; give each run its own file, or wait until the other run ends"
            if held
            else f"{path!r} cannot be locked ({error.strerror}), so two runs could overwrite each other's reports; "
            "choose a file on a local disk"
        )
    else:
        return
    raise _refused(problem)


def _lock_of_this_system() -> Callable[[FileIO], None]:
    # By name, because each of the two modules exists only on its own systems.
    if os.name == "nt":  # pragma: no cover - a branch for one system
        windows: Any = importlib.import_module("msvcrt")

        def lock_range(file: FileIO) -> None:
            file.seek(_BEHIND_ALL)
            windows.locking(file.fileno(), windows.LK_NBLCK, 1)

        return lock_range
    posix: Any = importlib.import_module("fcntl")
    return lambda file: posix.flock(file.fileno(), posix.LOCK_EX | posix.LOCK_NB)


def _repair(file: FileIO, path: str) -> None:
    """Remove a partial line that a crash has left: a report appended to it would be unreadable."""
    file.seek(0)
    content = file.readall()
    if not is_journal(content):
        raise _refused(f"{path!r} holds something other than the reports of a journal; choose another file")
    if rest := last_line(content):
        if is_whole(rest):
            file.write(b"\n")
        else:
            os.ftruncate(file.fileno(), len(content) - len(rest))


def _reports(count: int) -> str:
    return "1 report" if count == 1 else f"{count} reports"


def _refused(problem: str) -> InvalidSpec:
    return InvalidSpec("The journal", [("journal", problem)])
