"""Error messages and exit codes of the command line, and what `-v` adds."""

from __future__ import annotations

import errno
import json
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client
from purview_mpe._cli.exit_codes import Exit
from purview_mpe._cli.main import main
from purview_mpe._cli.terminal import Terminal
from purview_mpe.emulator import Fault
from purview_mpe.errors import (
    AccessDenied,
    InvalidCredential,
    InvalidSpec,
    NoAnswer,
    NotApproved,
    PurviewMpeError,
    WaitTimedOut,
)
from tests.support.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault.status("GET", 403, path="*/managedPrivateEndpoints"), 5),
        (Fault.status("GET", 401, times=None), 5),
        (Fault.status("GET", 404, path="*/accounts/*"), 1),
        (Fault.status("GET", 500, times=None), 1),
        (Fault.reset("GET", times=None), 1),
    ],
)
def test_errors_of_azure_end_the_run(shell: Any, fault: Fault, code: int) -> None:
    """Exit 5 if access is denied and 1 otherwise; message and remedy are on stderr, without a traceback."""
    shell.emulator.inject(fault)
    ended = shell.ends("plan")
    assert (ended.code, ended.out) == (code, "")
    assert "error: Could not " in ended.err
    assert "\n  What to do: " in ended.err
    assert "Traceback" not in ended.err
    assert "request id" not in ended.err


def test_an_error_in_colour_says_the_same(shell: Any) -> None:
    """Colour is never the only signal: without it the words are the same."""
    for _ in range(2):
        shell.emulator.inject(Fault.status("GET", 404, path="*/accounts/*"))
    coloured = shell.ends("plan", tty=True)
    assert "\x1b[31mCould not" in coloured.err
    assert coloured.stderr.seen == shell.ends("plan").err


def test_a_report_that_was_denied_everywhere_ends_as_denied(shell: Any) -> None:
    """The run ends with 5 if a missing role is the only reason, and with 1 if another reason exists."""
    shell.emulator.inject(Fault.status("PUT", 403, times=4))
    assert shell.ends("create").code == 5
    shell.emulator.inject(Fault.status("PUT", 403, times=2))
    shell.emulator.inject(Fault.status("PUT", 400, times=2))
    assert shell.ends("create").code == 1


def test_verbose_shows_each_request_with_its_id(shell: Any) -> None:
    """`-v` shows method, path, status and id on stderr; stdout and the loggers do not change."""
    quiet, loud = shell.ends("plan"), shell.ends("plan", "-v")
    assert loud.out == quiet.out
    first, *requests, last = loud.err.splitlines()
    assert (first, last) == ("[0:00] plan started", "[0:00] plan finished")
    assert len(requests) == 5
    assert all(line.startswith("GET /subscriptions/") and ": 200, request id " in line for line in requests)
    logger = logging.getLogger("purview_mpe")
    assert (logger.level, [type(handler) for handler in logger.handlers]) == (0, [logging.NullHandler])


@pytest.mark.parametrize("more", [(), ("-v",)])
def test_sdk_warnings_are_hidden_without_very_verbose(shell: Any, more: tuple[str, ...]) -> None:
    """Warnings of the SDKs, such as a traceback for an invalid body, are shown only with `-vv`."""
    handlers: list[logging.Handler] = []

    def watched(body: Any) -> Any:
        handlers.extend(logging.getLogger("azure").handlers)
        return body

    shell.emulator.inject(Fault.rewrite("GET", watched))
    assert shell.ends("plan", *more).code == 0
    assert [type(handler) for handler in handlers] == [logging.NullHandler]
    assert logging.getLogger("azure").handlers == []


def test_verbose_progress_is_the_log(shell: Any) -> None:
    """A redrawn block and a log would overwrite each other, so `-v` draws no block."""
    ended = shell.ends("create", "-v", tty=True)
    assert "\x1b[1A" not in ended.err
    assert "[1:36] purview_blob: created (Succeeded)\n" in ended.err


def test_very_verbose_shows_the_log_of_the_sdks_without_the_token(shell: Any) -> None:
    """`-vv` adds Azure's own log, without the token."""
    ended = shell.ends("plan", "-vv")
    assert "Request method: 'GET'" in ended.err
    assert shell.emulator.token_mark not in ended.err


def test_a_verbose_error_has_the_ids_for_a_support_case(shell: Any) -> None:
    """`-v` adds code, status and request id to an error, and to the errors in a report."""
    shell.emulator.inject(Fault.status("GET", 404, path="*/accounts/*"))
    assert "code not-found, status 404, Azure's code ResourceNotFound, request id " in shell.ends("plan", "-v").said
    shell.emulator.inject(Fault.status("PUT", 400, times=4))
    assert "request id" in shell.ends("create", "-v", "-o", "table").out


@pytest.mark.parametrize("tty", [False, True])
def test_an_interrupted_run_reports_what_was_done(shell: Any, tty: bool) -> None:
    """Ctrl-C while waiting: exit 130, a report of the accepted requests on stdout, and a clean terminal."""
    transport: Any = shell.emulator.transport()

    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    transport.sleep = interrupt
    interrupted = shell.connecting(lambda **options: shell.connect(transport=transport, **options))
    ended = interrupted.ends("create", "-o", "json", tty=tty)
    assert ended.code == 130
    assert [(outcome["name"], outcome["result"]) for outcome in ended.json["outcomes"]] == [
        ("purview", "created"),
        ("purview_blob", "created"),
        ("purview_queue", "created"),
        ("purview_namespace", "created"),
    ]
    assert ended.stderr.seen.endswith(
        "Interrupted. The report shows what was done; Azure finishes what it has begun.\n"
        "Repeat the command: it reads the state first, and only does what is missing.\n"
    )
    assert ("under way" in ended.stderr.seen, "finished" in ended.err) == (False, False)
    assert len(shell.emulator.writes) == 4


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP and ends processes at once")
@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGHUP", 129), ("SIGINT", 130)])
def test_a_signal_that_ends_the_process_gets_the_report_first(shell: Any, number: str, code: int) -> None:
    """After a signal the command prints the report and ends with the exit code that shells expect."""
    transport: Any = shell.emulator.transport()
    transport.sleep = lambda _seconds: signal.raise_signal(getattr(signal, number))
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    interrupted = shell.connecting(lambda **options: shell.connect(transport=transport, **options))
    ended = interrupted.ends("create", "-o", "json")
    assert ended.code == code
    assert [outcome["result"] for outcome in ended.json["outcomes"]] == ["created"] * 4
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)] == before


class Impatient(Screen):
    """Stdout that raises a second Ctrl-C while the report is printed."""

    def write(self, text: str) -> int:
        """Interrupt during the write."""
        signal.raise_signal(signal.SIGINT)
        return super().write(text)


def test_second_interruption_does_not_cut_the_report(shell: Any) -> None:
    """A second Ctrl-C while the report is printed does not cut the report."""
    transport: Any = shell.emulator.transport()
    transport.sleep = lambda _seconds: signal.raise_signal(signal.SIGINT)
    out = Impatient()
    terminal = Terminal(stdin=Screen(), stdout=out, stderr=Screen(), environ={})
    arguments = ("create", "--factory", shell.spec.factory, "--account", str(shell.spec.account), "--name", "purview")
    assert (
        main(arguments, connect=lambda **given: shell.connect(transport=transport, **given), terminal=terminal) == 130
    )
    assert [outcome["result"] for outcome in json.loads(out.getvalue())["outcomes"]] == ["created"] * 4


def test_interruption_after_the_work_still_prints_the_report(shell: Any) -> None:
    """Ctrl-C while the client is closed still prints the report of the writes."""

    class Closing(Client):
        def close(self) -> None:
            super().close()
            signal.raise_signal(signal.SIGINT)

    def connect(**options: Any) -> Client:
        return Closing(shell.emulator.credential, transport=shell.emulator.transport(), **options)

    ended = shell.connecting(connect).ends("create", "-o", "json")
    assert ended.code == 130
    assert [outcome["result"] for outcome in ended.json["outcomes"]] == ["created"] * 4
    assert "Nothing was written" not in ended.err


class Full(Screen):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        """Raise the error of the operating system."""
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_under_stdout_loses_no_report(shell: Any) -> None:
    """Stderr shows the outcome and the reason, and does not call it a bug."""
    err = Screen()
    terminal = Terminal(stdin=Screen(), stdout=Full(), stderr=err, environ={})
    arguments = ("create", "--factory", shell.spec.factory, "--account", str(shell.spec.account), "--name", "purview")
    assert main(arguments, connect=shell.connect, terminal=terminal) == 1
    assert "error: The answer could not be written to stdout: No space left on device." in err.getvalue()
    assert "create: 4 created" in err.getvalue()
    assert "bug" not in err.getvalue()


def test_full_disk_under_stderr_does_not_end_the_run(shell: Any) -> None:
    """Messages that cannot be written are lost; the work and its report are not."""
    out = Screen()
    terminal = Terminal(stdin=Screen(), stdout=out, stderr=Full(), environ={})
    arguments = ("create", "--factory", shell.spec.factory, "--account", str(shell.spec.account), "--name", "purview")
    assert main(arguments, connect=shell.connect, terminal=terminal) == 0
    assert json.loads(out.getvalue())["complete"]


@pytest.mark.parametrize("where", ["missing/please.txt", ".", "x" * 300, "zero\0byte"])
@pytest.mark.parametrize(("verb", "option"), [("create", "--hand-off"), ("approve", "--hand-off"), ("plan", "--out")])
def test_a_file_that_cannot_be_written_is_found_before_the_first_request(
    shell: Any, tmp_path: Path, verb: str, option: str, where: str
) -> None:
    """An unwritable path is a usage error, and nothing is sent to Azure."""
    ended = shell.ends(verb, option, str(tmp_path / where))
    assert (ended.code, shell.emulator.requests) == (2, [])
    assert option in ended.said


def test_check_of_a_writable_path_leaves_files_unchanged(shell: Any, tmp_path: Path) -> None:
    """The check that a path is writable neither leaves an empty file nor shortens an existing one."""
    absent, there = tmp_path / "absent.txt", tmp_path / "there.txt"
    there.write_text("as before")
    shell.emulator.inject(Fault.status("GET", 404, path="*/accounts/*", times=2))
    for path in (absent, there):
        assert shell.ends("create", "--hand-off", str(path)).code == 1
    assert (absent.exists(), there.read_text()) == (False, "as before")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_hand_off_on_a_full_disk_goes_to_stderr(shell: Any) -> None:
    """The endpoints already exist, so the report is on stdout and the text for the owners on stderr."""
    ended = shell.ends("create", "--hand-off", "/dev/full", "-o", "json")
    assert (ended.code, len(ended.json["outcomes"])) == (1, 4)
    assert ended.json["hand_off"].rstrip() in ended.err
    assert "could not be written to '/dev/full': No space left on device." in ended.said
    assert "nothing was sent" not in ended.said


def test_interruption_before_a_write_says_that_nothing_was_written(shell: Any) -> None:
    """Ctrl-C before the first write ends with 130 and one line."""

    def connect(**_options: Any) -> Client:
        raise KeyboardInterrupt

    ended = shell.connecting(connect).ends("plan")
    assert (ended.code, ended.out, ended.err) == (130, "", "Interrupted. Nothing was written.\n")


def test_bug_is_reported_without_a_traceback(shell: Any) -> None:
    """An unexpected error is reported without a traceback, which `-v` adds."""

    def connect(**_options: Any) -> Client:
        raise RuntimeError("oh \x1b[2Jno")

    broken = shell.connecting(connect)
    ended = broken.ends("plan")
    assert ended.code == 1
    assert ended.err == (
        "error: RuntimeError: oh no\nThis is a bug in purview-mpe. Repeat the command with -v for the traceback.\n"
    )
    assert "Traceback" in broken.ends("plan", "-v").err


def test_a_server_cannot_write_to_the_terminal(shell: Any) -> None:
    """Escape sequences in Azure's answers reach neither stdout nor stderr, in tables, JSON or errors."""
    evil = "evil\x1b]0;title\x07\x1b[2J\x9b1A\u202e"
    for output in ("table", "json"):
        shell.emulator.inject(Fault.status("PUT", 400, message=evil, times=4))
        ended = shell.ends("create", "-o", output, "-v")
        assert "evil" in ended.out
        assert not set(ended.out + ended.err) & {"\x1b", "\x07", "\x9b", "\u202e"}
    shell.emulator.inject(Fault.status("GET", 400, message=evil))
    ended = shell.ends("plan")
    assert "evil" in ended.err
    assert not set(ended.err) & {"\x1b", "\x07", "\x9b", "\u202e"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSpec("x", []), 2),
        (InvalidCredential("x", remedy="y"), 2),
        (NotApproved("x", remedy="y"), 4),
        (AccessDenied("x", remedy="y"), 5),
        (NoAnswer("x", remedy="y"), 1),
        (WaitTimedOut("x", remedy="y"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: PurviewMpeError, code: int) -> None:
    """Exit codes distinguish a usage error, a missing role and a missing approval from other errors."""
    assert Exit.of_error(error) == code


def test_a_closed_pipe_ends_the_run_in_silence(shell: Any, screen: Callable[..., Any]) -> None:
    """After the reader of stdout is gone, the command ends with 141 and prints nothing."""

    class Closed(type(screen())):  # type: ignore[misc]
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    stderr = screen()
    terminal = Terminal(stdin=screen(), stdout=Closed(), stderr=stderr, environ={})
    argv = ("plan", "--factory", shell.spec.factory, "--name", "purview")
    assert main(argv, connect=shell.connect, terminal=terminal) == 141
    assert stderr.getvalue() == ""
