"""Several processes work on one account at once, over HTTPS, without knowing of each other; no change is lost."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from purview_mpe import Client, Spec
from purview_mpe.emulator import Answers, Emulator
from tests.support.processes import unmeasured

if TYPE_CHECKING:
    from purview_mpe.emulator import Server

#: Signs in with a token of the served emulator's default caller, waits for the other processes, and calls.
CHILD = """\
import sys
from azure.core.credentials import AccessToken
from purview_mpe import Client, Spec

class Credential:
    def get_token(self, *scopes, **options):
        return AccessToken("mine", 4_000_000_000)

url, ca, verb, factory, account = sys.argv[1:]
with Client(
    Credential(), endpoint=url, connection_verify=ca, purview_endpoint=f"{url}/purview/{{account}}"
) as client:
    print("ready", flush=True)
    sys.stdin.readline()
    spec = Spec(factory=factory, account=account, name="purview")
    report = client.grant(spec) if verb == "grant" else client.onboard(spec, approve=True)
print([(one.subject, one.result) for one in report.outcomes], report.complete)
"""


def at_once(server: Server, verb: str, specs: list[Spec]) -> list[str]:
    """The output of each process; all begin when the last one is ready."""
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, server.url, str(server.ca_file), verb, spec.factory, str(spec.account)],
            env=unmeasured(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for spec in specs
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    said: list[str] = []
    for child in children:
        out, err = child.communicate(timeout=280)
        assert child.returncode == 0, err
        said.append(out.strip())
    return said


def test_twenty_processes_grant_twenty_identities():
    """On a policy store that refuses stale versions, all twenty have the role Data Curator in the end."""
    emulator = Emulator(foreign_connections=0, answers=Answers(stale_policy="1002"))
    specs = [
        Spec(factory=str(emulator.add_factory(f"adf-{number}")), account=str(emulator.account), name="purview")
        for number in range(20)
    ]
    before = emulator.catalog.policy()["version"]
    with emulator.serve() as server:
        said = at_once(server, "grant", specs)
    assert set(said) == {"[('data-curator', 'granted')] True"}
    members = emulator.catalog.members("data-curator")
    assert {emulator.identity_of(spec.factory) for spec in specs} <= set(members)
    assert len(members) == len(set(members))
    assert emulator.catalog.policy()["version"] == before + 20
    refused = [one for one in emulator.writes if "/metadataPolicies/" in one.path and one.status == 400]
    assert refused, "the processes have to meet, or this shows nothing"


def test_two_processes_onboard_one_factory():
    """Both reports are complete, nothing is created twice, and a third call writes nothing."""
    emulator = Emulator(empty=True, foreign_connections=0)
    account = str(emulator.add_account("contoso"))
    factory = str(emulator.add_factory("df1", managed_vnet=False, identity=False))
    spec = Spec(factory=factory, account=account, name="purview")
    with emulator.serve() as server:
        said = at_once(server, "onboard", [spec, spec])
    assert all(one.endswith(" True") for one in said)
    assert len(emulator.endpoints()) == 4
    assert {one.status for one in emulator.endpoints()} == {"Approved"}
    assert emulator.catalog.members("data-curator", account).count(emulator.identity_of(factory)) == 1
    [shown] = emulator.dump()["factories"]
    assert [runtime["name"] for runtime in shown["runtimes"]] == ["managed-vnet"]
    before = len(emulator.writes)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        assert client.onboard(spec, approve=True).complete
    assert len(emulator.writes) == before
