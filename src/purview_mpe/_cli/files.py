"""The files of one command: read at its beginning, written at its end."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from purview_mpe._cli.terminal import CannotWrite
from purview_mpe._model.journal import is_journal
from purview_mpe.errors import InvalidSpec

if TYPE_CHECKING:
    from argparse import Namespace

    from purview_mpe._cli.call import Call
    from purview_mpe._cli.terminal import Terminal
    from purview_mpe._model.fleets import FleetReport


def check_files(arguments: Namespace) -> None:
    """Check before the first request that the files for the end of the run can be written.

    Raises:
        InvalidSpec: one of them cannot.
    """
    for option in ("hand_off", "out", "dump"):
        if (path := getattr(arguments, option, None)) is None:
            continue
        try:
            problem = _write_problem(Path(path))
        except OSError as error:
            problem = f"{str(path)!r} cannot be written: {error.strerror}"
        except ValueError:  # a zero byte, or half a character
            problem = f"{str(path)!r} is not a path"
        if problem:
            raise InvalidSpec("The command", [(f"--{option.replace('_', '-')}", problem)])


def _write_problem(path: Path) -> str | None:
    exists = path.exists()
    if exists and not path.is_file():
        # A device or a pipe: opening one can block until there is a reader.
        writable = not path.is_dir() and os.access(path, os.W_OK)
        return None if writable else f"{str(path)!r} cannot be written"
    with path.open("ab"):
        pass
    if not exists:
        path.unlink()
    return None


def write_file(path: str, text: str, what: str) -> None:
    """Write a text to a file, and replace its content.

    Raises:
        CannotWrite: the file cannot be written, although `check_files` found no problem.
    """
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror
    else:
        return
    raise CannotWrite(
        f"{what} could not be written to {path!r}: {reason}.",
        remedy="Free some space or name another file, and repeat the command. That is safe: existing work is kept.",
    )


def read_json(path: str, what: str, terminal: Terminal) -> Any:
    """The JSON in a file; - is stdin.

    Raises:
        InvalidSpec: it cannot be read, or is not JSON.
    """
    try:
        content = terminal.stdin.read().encode(errors="replace") if path == "-" else Path(path).read_bytes()
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except ValueError:  # a zero byte, or half a character
        problem = "is not a path"
    else:
        try:
            # `json.loads` also detects the encoding: PowerShell's `>` writes UTF-16.
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            problem = f"is not JSON: {error}"
    raise InvalidSpec(what, [(path, problem)])


def exists(path: str) -> bool:
    """Whether there is such a file; a text that is not a path names none."""
    try:
        return Path(path).exists()
    except (OSError, ValueError):
        return False


def fleet_report(path: str, option: str) -> FleetReport:
    """The report of a fleet in a file: a journal, or the JSON of a run.

    Raises:
        InvalidSpec: the file cannot be read, or holds something else.
    """
    from purview_mpe._model.fleets import FleetReport  # noqa: PLC0415 - loads pydantic, which --help does without

    try:
        return FleetReport.load(path)
    except OSError as error:
        problem = f"{path!r} cannot be read: {error.strerror}"
    except InvalidSpec as error:
        if "(whole)" not in dict(error.problems):
            raise
        problem = f"{path!r} is neither a journal nor the JSON of an earlier run"
    raise InvalidSpec("The command", [(option, problem)])


def write_hand_off(call: Call, file: str, text: str) -> None:
    """Write the text for the owners to its file, or to stderr if that fails.

    Raises:
        CannotWrite: the file cannot be written.
    """
    try:
        write_file(file, text, "What is left for the owners of the targets")
    except CannotWrite:
        call.report = None  # stdout has it
        call.terminal.pass_on(text)
        raise
    call.terminal.say(f"What is left for the owners of the targets is in {file}.")


def is_of_fleet(path: str) -> bool:
    """Whether a file holds the report of a fleet; one that cannot be read holds none."""
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError):
        return False
    if is_journal(content):
        return len(content.splitlines()) > 1 or path.casefold().endswith(".jsonl")
    try:
        found: object = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "reports" in found
