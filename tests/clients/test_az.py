"""The Azure CLI against the served emulator: signed in, and the whole job done with its own commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client
from tests.support.colours import spec_for

from .conftest import Served, program, tool

if TYPE_CHECKING:
    from purview_mpe.emulator import ConnectionView, Emulator

Az = Callable[..., Any]

#: Without the second, `az` asks the public cloud whether it knows the authority that it is to sign in at.
SETTINGS = {"AZURE_CORE_COLLECT_TELEMETRY": "0", "AZURE_CORE_INSTANCE_DISCOVERY": "false"}


@pytest.fixture
def az(served: Served, home: Path) -> Az:
    """Runs `az` in a cloud that consists of the emulator; gives the JSON that it prints."""
    executable = tool("PURVIEW_MPE_AZ", "the Azure CLI")

    def run(*words: str) -> Any:
        output = served.run(
            [executable, *words, "--output", "json", "--only-show-errors"], AZURE_CONFIG_DIR=str(home), **SETTINGS
        )
        return json.loads(output) if output.strip() else None

    run("cloud", "register", "--name", "emulated", "--endpoint-resource-manager", served.server.url)
    run("cloud", "set", "--name", "emulated")
    run(
        *["login", "--service-principal", "--username", "somebody", "--password", "anything", "--tenant"],
        served.emulator.tenant,
    )
    return run


@pytest.fixture
def shell(served: Served, home: Path, az: Az) -> Callable[[str], str]:
    """Runs a line as somebody would who pasted it into a shell, signed in as `az` is."""
    bash, executable = program("bash"), Path(tool("PURVIEW_MPE_AZ", "the Azure CLI"))

    def run(line: str) -> str:
        path = f'PATH="{executable.parent}:$PATH"'
        return served.run([bash, "-c", f"{path}; {line}"], AZURE_CONFIG_DIR=str(home), **SETTINGS)

    return run


def statuses(served: Served) -> set[str]:
    return {endpoint.status for endpoint in served.emulator.endpoints()}


def test_the_whole_job(az, served):
    """Created, listed, approved with the commands of each service, and deleted."""
    emulator, factory = served.emulator, str(served.emulator.factory)
    network = f"{factory}/managedVirtualNetworks/default/managedPrivateEndpoints"
    assert az("account", "show")["id"] == emulator.subscription
    targets = emulator.targets(emulator.account)
    for group, target in targets.items():
        body = {"properties": {"privateLinkResourceId": str(target), "groupId": group, "fqdns": []}}
        url = f"{network}/purview_{group}?api-version=2018-06-01"
        made = az("rest", "--method", "put", "--url", url, "--body", json.dumps(body))
        assert made["properties"]["provisioningState"] == "Provisioning"
    listed = az("rest", "--method", "get", "--url", f"{network}?api-version=2018-06-01")["value"]
    assert len(listed) == len(targets)
    one = az("resource", "show", "--ids", f"{network}/purview_account", "--api-version", "2018-06-01")
    assert one["properties"]["groupId"] == "account"
    wait_for_connections(emulator, len(targets))
    ours = [connection for connection in emulator.connections() if connection.endpoint is not None]
    for connection in ours:
        command, flags = commands_for(connection)
        if connection.target.subscription != emulator.subscription:
            continue  # ingestion storage: nobody but Purview reaches its connections
        az(*command, "approve", *flags)
        assert "Approved" in json.dumps(az(*command, "show", *flags))
    for endpoint in emulator.endpoints():
        az("resource", "delete", "--ids", f"{network}/{endpoint.name}", "--api-version", "2018-06-01")
    emulator.clock.sleep(1)
    assert emulator.endpoints() == []


def test_commands_around_the_job(az, served):
    """What somebody looks at before and cleans up afterwards: groups, resources, providers, connections of a target."""
    emulator = served.emulator
    account = str(emulator.account)
    emulator.add_endpoint(emulator.factory, "purview", account, "account", status="Pending")
    [connection] = [one for one in emulator.connections(account) if one.endpoint == "purview"]
    assert az("group", "create", "--name", "rg-az", "--location", "westeurope")["location"] == "westeurope"
    assert az("group", "exists", "--name", "rg-az") is True
    az("group", "delete", "--name", "rg-az", "--yes")
    assert az("group", "exists", "--name", "rg-az") is False
    accounts = az("resource", "list", "--resource-type", "Microsoft.Purview/accounts")
    assert [one["id"] for one in accounts] == [account]
    assert az("provider", "show", "--namespace", "Microsoft.Purview")["registrationState"] == "Registered"
    network = ["network", "private-endpoint-connection"]
    assert str(connection.id) in {one["id"] for one in az(*network, "list", "--id", account)}
    az(*network, "reject", "--id", str(connection.id))
    assert statuses(served) == {"Rejected"}
    az(*network, "delete", "--id", str(connection.id), "--yes")
    assert connection.id not in {one.id for one in emulator.connections(account)}


def commands_for(connection: ConnectionView) -> tuple[list[str], list[str]]:
    """The group of commands for the connections of a service, and how they name one."""
    target = connection.target
    if target.provider == "Microsoft.EventHub":
        names = ["--resource-group", target.resource_group, "--namespace-name", target.names[-1]]
        return ["eventhubs", "namespace", "private-endpoint-connection"], [*names, "--name", connection.name]
    service = ["storage", "account"] if target.provider == "Microsoft.Storage" else ["network"]
    return [*service, "private-endpoint-connection"], ["--id", str(connection.id)]


def wait_for_connections(emulator: Emulator, count: int) -> None:
    """Let the emulator's time pass until the connections of the endpoints are there."""
    for _ in range(50):
        if sum(connection.endpoint is not None for connection in emulator.connections()) >= count:
            return
        emulator.clock.sleep(0.1)
    raise AssertionError("the connections did not appear")


def test_the_commands_of_a_hand_off_work(shell, served):
    """What a report leaves to the owner can be pasted into a shell, and then everything is approved."""
    emulator = served.emulator
    with Client(emulator.credential_for("requester"), transport=emulator.transport()) as client:
        text = client.create_all(spec_for(emulator), approve=True).hand_off
    assert text is not None
    found = ""
    commands = re.findall(r"^ +(command|find it|then): +(az .*)$", text, re.MULTILINE)
    assert len([command for command in commands if command[0] != "find it"]) == len(emulator.endpoints())
    for label, command in commands:
        output = shell(re.sub("<the (id|connection) found>", found, command))
        if label == "find it" and "-o yaml" in command:
            ((found, private_endpoint),) = re.findall(
                r"^- connection: (.+)\n  privateEndpoint: (.+)$", output, re.MULTILINE
            )
            assert private_endpoint in text
        elif label == "find it":
            found = output.strip()
            assert len(found.splitlines()) == 1
    assert statuses(served) == {"Approved"}
