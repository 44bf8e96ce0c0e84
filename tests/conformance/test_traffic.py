"""Traffic that the rest of the suite does not make: all shapes of account, in all the versions that clients send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from purview_mpe import Client, Report
from purview_mpe.emulator import Emulator
from tests.support.colours import spec_for

VERSIONS = {
    "Microsoft.Purview": ("2021-07-01", "2021-12-01", "2023-05-01-preview", "2024-04-01-preview"),
    "Microsoft.Storage": ("2023-05-01", "2025-08-01", "2026-09-01"),
    "Microsoft.EventHub": ("2024-01-01", "2024-05-01-preview", "2026-01-01", "2026-07-01-preview"),
    "Microsoft.DataFactory": ("2018-06-01",),
}


def ask(emulator: Emulator, method: str, path: str, version: str, body: Any = None) -> tuple[int, Any]:
    """Status and body of the emulator's answer."""
    token = emulator.credential.get_token("https://management.azure.com/.default").token
    request = HttpRequest(
        method,
        f"https://management.azure.com{path}?api-version={version}",
        headers={"Authorization": f"Bearer {token}"},
        **({} if body is None else {"json": body}),
    )
    answer = emulator.transport().send(request)
    return answer.status_code, json.loads(answer.content or b"null")


def results(report: Report) -> set[str]:
    return {outcome.result for outcome in report.outcomes}


@pytest.mark.parametrize("shape", "ABCDE")
@pytest.mark.parametrize("approving", [True, False])
def test_connect_create_decide_and_delete(shape, approving):
    """The verbs work on every shape of account, with a factory that is connected first."""
    emulator = Emulator(shape=shape)
    account = emulator.add_account("other", shape=shape)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        spec = spec_for(emulator, account)
        assert results(client.connect(spec, replace=True)) == {"connected"}
        made = results(client.create_all(spec, approve=approving))
        if approving:
            assert made == {"created", "approved"}
        else:
            assert results(client.reject(spec)) == {"rejected"}
        assert results(client.delete_all(spec)) == {"deleted"}


@pytest.mark.parametrize("shape", "ABCDE")
def test_everything_can_be_read_in_every_version(shape):
    """Accounts, factories, networks, endpoints, targets and connections, one by one and as lists."""
    emulator = Emulator(shape=shape)
    with Client(emulator.credential, transport=emulator.transport()) as client:
        client.create_all(spec_for(emulator), approve=True)
    factory = str(emulator.factory)
    network = f"{factory}/managedVirtualNetworks/default"
    paths = [factory, f"{factory}/integrationRuntimes", f"{factory}/managedVirtualNetworks", network]
    paths += [f"{network}/managedPrivateEndpoints", f"{network}/managedPrivateEndpoints/absent"]
    paths += [f"{network}/managedPrivateEndpoints/{endpoint.name}" for endpoint in emulator.endpoints()]
    for target in {emulator.account, *emulator.targets(emulator.account).values()}:
        paths += [str(target), f"{target}/privateEndpointConnections", f"{target}/privateEndpointConnections/absent"]
        paths.append(f"{target}/privateLinkResources")
    paths += [str(connection.id) for connection in emulator.connections()]
    for path in paths:
        provider = path.split("/providers/")[1].partition("/")[0]
        for version in VERSIONS[provider]:
            status, body = ask(emulator, "GET", path, version)
            assert status in {200, 403, 404, 501}, body
