"""`purview-mpe emulator`, and the other verbs against it over HTTPS: real processes, real sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client
from purview_mpe._cli.main import main
from purview_mpe._cli.terminal import Terminal
from purview_mpe.emulator import Emulator, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("trustme")
pytest.importorskip("cheroot")


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The emulator as a process, with its announcement."""
    running = subprocess.Popen(
        [sys.executable, "-m", "purview_mpe", "emulator", "--dump", str(tmp_path / "after.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    try:
        yield running, json.loads(running.stdout.readline())
    finally:
        running.kill()
        running.communicate()


def test_create_approve_and_status_over_https(shell: Any, serving: Any, tmp_path: Path) -> None:
    """The emulator's announcement is enough for the other verbs; no sign-in is needed."""
    running, announced = serving
    assert set(announced) == {
        *("endpoint", "purview_endpoint", "ca_file", "subscription", "tenant", "factory", "account")
    }
    real = shell.connecting(Client)
    ends = ("--factory", announced["factory"], "--account", announced["account"], "--name", "purview")
    reach = ("--endpoint", announced["endpoint"], "--ca", announced["ca_file"])
    assert real.run("grant", *ends, *reach, "--purview-endpoint", announced["purview_endpoint"], "--dry-run").code == 0
    assert real.run("plan", *ends, *reach, "--fail-on-changes").code == 3
    assert real.run("create", *ends, *reach, "--approve").code == 0
    assert real.run("status", *ends, *reach).code == 0
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 0
    assert "purview_namespace" in (tmp_path / "after.json").read_text()


def test_emulator_roles_give_the_exit_codes_of_missing_rights(shell: Any) -> None:
    """A requester hands off (4) and a caller without roles is denied (5); the emulator's credential keeps its roles."""
    shell.emulator.restrict("requester")
    with shell.emulator.serve() as server:
        real = shell.connecting(Client)
        reach = ("--endpoint", server.url, "--ca", server.ca_file)
        assert real.ends("create", "--approve", *reach).code == 4
        shell.emulator.restrict("none")
        assert real.ends("status", *reach).code == 5
    assert shell.ends("status").code == 4


def test_roles_and_network_options_reach_the_emulator(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--roles` and `--outside-network` reach the emulator before it serves; an unknown role is a usage error."""
    seen: dict[str, Any] = {}

    def serve(emulator: Emulator, port: int) -> None:
        seen["roles"] = [role.name for _, role in emulator._parts.access.stranger.assignments]
        seen["inside"] = emulator.inside_network
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(Emulator, "serve", serve)
    assert shell.run("emulator", "--roles", "Reader,data-reader", "--outside-network").code == 1
    assert seen == {"roles": ["Reader"], "inside": False}
    ended = shell.run("emulator", "--roles", "King")
    assert ended.code == 2
    assert "--roles: " in ended.said
    assert "King" in ended.said


def test_ctrl_c_stops_the_emulator_with_0(serving: Any) -> None:
    """Before it ends, stderr shows the variables that reach it."""
    running, announced = serving
    running.send_signal(signal.SIGINT)
    _, printed = running.communicate(timeout=20)
    assert running.returncode == 0
    assert f"export PURVIEW_MPE_ENDPOINT='{announced['endpoint']}'" in printed
    assert f"export PURVIEW_MPE_CA='{announced['ca_file']}'" in printed
    assert "Traceback" not in printed


def test_signal_during_the_announcement_is_not_lost(shell: Any, screen: Any, tmp_path: Path) -> None:
    """A SIGTERM during the announcement stops the emulator, and its state is dumped."""

    class Impatient(screen):  # type: ignore[misc]
        def write(self, text: str) -> int:
            if "endpoint" in text:
                signal.raise_signal(signal.SIGTERM)
            return int(super().write(text))

    before = signal.getsignal(signal.SIGTERM)
    stdout, stderr = Impatient(), screen()
    terminal = Terminal(stdin=screen(), stdout=stdout, stderr=stderr, environ={})
    file = tmp_path / "after.json"
    assert main(["emulator", "--dump", str(file)], terminal=terminal) == 0
    assert json.loads(stdout.getvalue())["factory"] == shell.spec.factory
    assert "df1" in file.read_text()
    assert signal.getsignal(signal.SIGTERM) == before
    assert main(["emulator", "--scenario", str(file)], terminal=terminal) == 0


def test_port_in_use_is_reported(shell: Any) -> None:
    """The error has a remedy and no traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = shell.run("emulator", "--port", str(taken.getsockname()[1]))
    assert ended.code == 1
    assert "of 127.0.0.1 cannot be used: Address already in use." in ended.said
    assert "Choose another with --port" in ended.said


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_invalid_port_is_a_usage_error(port: str) -> None:
    """The command ends with 2."""
    assert main(["emulator", f"--port={port}"]) == 2


def test_invalid_scenario_is_refused(shell: Any, tmp_path: Path) -> None:
    """The error lists every problem with its place, or the missing file."""
    file = tmp_path / "scenario.json"
    file.write_text('{"factries": [], "options": 7}')
    ended = shell.run("emulator", "--scenario", str(file))
    assert ended.code == 2
    assert "factries" in ended.said
    missing = shell.run("emulator", "--scenario", str(tmp_path / "none.json"))
    assert missing.code == 2
    assert "cannot be read: No such file or directory" in missing.said


def test_missing_extra_is_reported(shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the server packages, the remedy says how to install them."""
    monkeypatch.setitem(sys.modules, "trustme", None)
    with pytest.raises(MissingExtra):
        shell.emulator.serve()
    ended = shell.run("emulator")
    assert ended.code == 1
    assert "pip install cheroot trustme" in ended.said
