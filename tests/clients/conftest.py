"""Fixtures for official clients: served emulators, and the tools that `nox -s clients` installs."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe.emulator import Emulator, Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def tool(variable: str, name: str) -> str:
    """The path of a tool; the test is skipped if it is not installed."""
    found = os.environ.get(variable) or None
    if found is None:
        pytest.skip(f"{name} is not installed here: nox -s clients does that, and sets {variable}")
    return found


def program(name: str) -> str:
    """The path of a program; the test is skipped if it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not on the PATH")
    return found


@dataclass(frozen=True)
class Served:
    """An emulator and its server."""

    emulator: Emulator
    server: Server

    def run(self, command: list[str], **environment: str) -> str:
        """The output of a program; a failure shows its error output."""
        answer = subprocess.run(
            command,
            env={**os.environ, "REQUESTS_CA_BUNDLE": self.server.ca_file, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert answer.returncode == 0, f"{command}\n{answer.stdout}\n{answer.stderr}"
        return answer.stdout


@pytest.fixture(params=["A", "C"])
def served(request: Any) -> Iterator[Served]:
    """An emulator on a socket: with managed storage and Event Hubs, and with ingestion storage."""
    emulator = Emulator(shape=request.param)
    with emulator.serve() as server:
        yield Served(emulator, server)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a tool's files."""
    return tmp_path
