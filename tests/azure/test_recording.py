"""`--record`: a transcript that does not show whose Azure it was and that can be replayed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from purview_mpe import Client, Spec
from purview_mpe._azure.recording import recording_to
from purview_mpe._cli.connecting import EmulatorCredential
from purview_mpe._cli.main import main
from purview_mpe.emulator import Emulator, Fault
from tests.support.replay import Replay


@pytest.fixture
def private():
    """An emulator with names that must stay private."""
    emulator = Emulator(empty=True)
    account = emulator.add_account("contoso-governance", resource_group="secret-group")
    factory = emulator.add_factory("contoso-analytics", resource_group="secret-group", purview_account=account)
    return emulator, factory, account


@pytest.fixture
def recorded(private, tmp_path):
    """The transcripts of `create` and `status` on the command line."""
    emulator, factory, account = private
    transcripts = {}
    with emulator.serve() as server:
        for verb in ("create", "status"):
            transcripts[verb] = tmp_path / f"{verb}.ndjson"
            reach = ["--endpoint", server.url, "--ca", server.ca_file, "--record", str(transcripts[verb])]
            ids = ["--factory", str(factory), "--account", str(account), "--name", "purview"]
            assert main([verb, *reach, *ids, *(["--approve"] if verb == "create" else [])]) == 0
    return transcripts


def sanitised_spec(text: str) -> Spec:
    """The spec with the ids that a transcript shows."""
    urls = [json.loads(line)["request"]["url"].partition("?")[0] for line in text.splitlines()]
    paths = [f"/subscriptions/{url.partition('/subscriptions/')[2]}" for url in urls]
    factory = next(path.partition("/managed")[0] for path in paths if "/managedVirtualNetworks" in path)
    account = next(path for path in paths if path.rpartition("/")[0].endswith("Microsoft.Purview/accounts"))
    return Spec(factory=factory, account=account, name="purview")


def test_transcript_shows_no_private_names(recorded, private):
    """A transcript shows no token, tenant or real name; the same name gets the same replacement everywhere."""
    emulator, _, _ = private
    for path in recorded.values():
        text = path.read_text(encoding="utf-8")
        assert emulator.token_mark not in text
        assert "uthorization" not in text.replace("Microsoft.Authorization", "")
        assert "contoso" not in text.casefold()
        assert "secret-group" not in text.casefold()
        assert emulator.tenant not in text
        assert "/factories/factory1/" in text
        assert "factory1.purview_blob" in text


def test_a_transcript_can_be_replayed(recorded):
    """The library gets the same result from the transcript as from Azure."""
    spec = sanitised_spec(recorded["status"].read_text(encoding="utf-8"))
    with Client(Emulator().credential, transport=Replay(recorded["status"])) as client:
        status = client.status(spec)
    assert status.ready
    assert {row.name for row in status.endpoints} == {
        "purview", "purview_blob", "purview_queue", "purview_namespace",
    }  # fmt: skip


def test_only_its_owner_can_read_a_transcript(private, tmp_path):
    """Other users cannot read the file, even if it existed before and they could."""
    emulator, factory, account = private
    path = tmp_path / "plan.ndjson"
    path.write_text("old")
    path.chmod(0o644)
    with emulator.serve() as server:
        reach = ["--endpoint", server.url, "--ca", server.ca_file, "--record", str(path)]
        assert main(["plan", *reach, "--factory", str(factory), "--account", str(account), "--name", "purview"]) == 0
    assert "old" not in path.read_text(encoding="utf-8")
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.name != "posix", reason="the device is POSIX's")
def test_recording_to_a_device_keeps_its_mode(private):
    """A transcript written to a device does not change the device's permissions."""
    before = Path(os.devnull).stat().st_mode
    with recording_to(Path(os.devnull), {}):
        pass
    assert Path(os.devnull).stat().st_mode == before


def test_private_fields_of_a_factory_are_not_recorded(private, tmp_path):
    """Global parameters, repository and tags are private; `connect` reads and writes all of them."""
    emulator, _, account = private
    secrets = {"dwhPassword": {"type": "String", "value": "hunter2"}}
    repository = {"type": "FactoryVSTSConfiguration", "accountName": "payroll-devops", "repositoryName": "hr"}
    body = {
        "location": "westeurope",
        "tags": {"owner": "jane"},
        "properties": {"globalParameters": secrets, "repoConfiguration": repository},
    }
    factory = emulator.add_factory("fabrikam-hr", body=body)
    path = tmp_path / "connect.ndjson"
    with emulator.serve() as server:
        reach = ["--endpoint", server.url, "--ca", server.ca_file, "--record", str(path)]
        assert main(["connect", *reach, "--factory", str(factory), "--account", str(account), "--name", "x1"]) == 0
    text = path.read_text(encoding="utf-8")
    assert '"globalParameters": "(removed)"' in text
    assert not [word for word in ("hunter2", "payroll", "jane", "fabrikam", "contoso") if word in text]


def test_record_file_that_cannot_be_written_is_refused(private, tmp_path, capsys):
    """The error comes before any request to Azure."""
    emulator, factory, _ = private
    with emulator.serve() as server:
        reach = ["--endpoint", server.url, "--ca", server.ca_file]
        what = ["--factory", str(factory), "--name", "purview"]
        ended = main(["status", *reach, *what, "--record", str(tmp_path / "absent" / "file")])
    assert ended == 2
    assert "--record" in capsys.readouterr().err
    assert not emulator.requests


def test_token_repeated_in_an_answer_is_not_recorded(private, tmp_path):
    """A proxy that echoes the request does not put the token into the transcript."""
    emulator, factory, account = private
    token = EmulatorCredential().get_token("scope").token
    echo = {"error": {"code": "Oops", "message": f"You sent Bearer {token}.", token: [1]}}
    emulator.inject(Fault.rewrite("GET", lambda _: echo, times=None))
    with emulator.serve() as server:
        reach = ["--endpoint", server.url, "--ca", server.ca_file, "--record", str(tmp_path / "plan.ndjson")]
        ids = ["--factory", str(factory), "--account", str(account), "--name", "purview"]
        assert main(["plan", *reach, *ids]) == 1
    text = (tmp_path / "plan.ndjson").read_text(encoding="utf-8")
    assert token not in text
    assert "You sent Bearer (removed)." in text
