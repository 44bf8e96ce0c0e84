"""The Azure CLI against the served emulator: sign-in and all steps with its own commands."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from purview_mpe import Client, export
from tests.support.colours import spec_for

from .conftest import Served, program, tool

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator import ConnectionView, Emulator

Az = Callable[..., Any]

#: Without the second setting, `az` asks the public cloud about the authority for the sign-in.
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
    """Runs a line as if it were pasted into a shell, signed in as `az` is."""
    bash, executable = program("bash"), Path(tool("PURVIEW_MPE_AZ", "the Azure CLI"))

    def run(line: str) -> str:
        path = f'PATH="{executable.parent}:$PATH"'
        return served.run([bash, "-c", f"{path}; {line}"], AZURE_CONFIG_DIR=str(home), **SETTINGS)

    return run


def statuses(served: Served) -> set[str]:
    return {endpoint.status for endpoint in served.emulator.endpoints()}


def test_create_list_approve_and_delete(az, served):
    """The connections are approved with the commands of each service."""
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
    created = [connection for connection in emulator.connections() if connection.endpoint is not None]
    for connection in created:
        command, flags = commands_for(connection)
        if connection.target.subscription != emulator.subscription:
            continue  # ingestion storage: only Purview reaches its connections
        az(*command, "approve", *flags)
        assert "Approved" in json.dumps(az(*command, "show", *flags))
    for endpoint in emulator.endpoints():
        az("resource", "delete", "--ids", f"{network}/{endpoint.name}", "--api-version", "2018-06-01")
    emulator.clock.sleep(1)
    assert emulator.endpoints() == []


def test_other_az_commands_work(az, served):
    """Commands before and after the job: groups, resources, providers, connections of a target."""
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


def test_runtime_and_policy_by_rest(az, served):
    """`az rest` makes a runtime in the managed network, and reads and writes the policy with a token for Purview."""
    runtime = f"{served.emulator.factory}/integrationRuntimes/ir-lineage?api-version=2018-06-01"
    network = {"type": "ManagedVirtualNetworkReference", "referenceName": "default"}
    properties = {
        "type": "Managed",
        "managedVirtualNetwork": network,
        "typeProperties": {"computeProperties": {"location": "AutoResolve"}},
    }
    az("rest", "--method", "put", "--url", runtime, "--body", json.dumps({"properties": properties}))
    assert az("rest", "--method", "get", "--url", runtime)["properties"]["managedVirtualNetwork"] == network
    store = f"{served.server.url}/purview/pv1/policystore/metadataPolicies"
    purview = ("--resource", "https://purview.azure.net")
    listed = az("rest", *purview, "--method", "get", "--url", f"{store}?collectionName=pv1&api-version=2021-07-01")
    [policy] = listed["values"]
    principal = "22222222-2222-4222-8222-222222222222"
    [curators] = [
        condition["attributeValueIncludedIn"]
        for rule in policy["properties"]["attributeRules"]
        if rule["id"] == "purviewmetadatarole_builtin_data-curator:pv1"
        for condition in rule["dnfCondition"][0]
        if "attributeValueIncludedIn" in condition
    ]
    curators.append(principal)
    url = f"{store}/{policy['id']}?api-version=2021-07-01"
    written = az("rest", *purview, "--method", "put", "--url", url, "--body", json.dumps(policy))
    assert written["version"] == policy["version"] + 1
    assert principal in served.emulator.catalog.members("data-curator")


def test_the_exported_script_onboards(shell, served):
    """The exported script makes runtime and endpoints, and makes a new identity Data Curator."""
    program("jq")
    emulator = served.emulator
    factory = str(emulator.add_factory("adf-script", managed_vnet=False, identity=False))
    spec = spec_for(emulator, factory=factory, runtime="ir-lineage", groups=("account",))
    with Client(emulator.credential, transport=emulator.transport()) as client:
        script = export(client.plan(spec), "az", onboard=True)
    # A served emulator has every account's host under its own address.
    shell(
        script.replace("https://pv1.purview.azure.com", f"{served.server.url}/purview/pv1").replace(
            "sleep 10", "sleep 1"
        )
    )
    assert emulator.identity_of(factory) in emulator.catalog.members("data-curator")
    assert [one.provisioning_state for one in emulator.endpoints(factory)] == ["Succeeded"]
    assert served.emulator.dump()["factories"][1]["runtimes"][0]["name"] == "ir-lineage"


class Network:
    """Commands on the customer's network; each waits until the emulator shows its effect."""

    GROUP = ("--resource-group", "rg-net")

    def __init__(self, az: Az, emulator: Emulator) -> None:
        self.az, self.emulator, self.networks = az, emulator, emulator.networks

    def show(self, *words: str) -> Any:
        return self.az("network", *words, *self.GROUP)

    def write(self, *words: str, until: Callable[[], Any]) -> None:
        # Azure names no polling interval for network operations, so `az` would wait for 30 s each time.
        self.show(*words, "--no-wait")
        wait_until(self.emulator, until)

    def make(self, zone: str) -> str:
        """Make group, network, and a zone that is linked to it; gives the network's id."""
        self.az("group", "create", "--name", "rg-net", "--location", "westeurope")
        subnet = ["--subnet-name", "snet-pe", "--subnet-prefixes", "10.0.1.0/24"]
        self.show("vnet", "create", "--name", "vnet-hub", "--address-prefixes", "10.0.0.0/16", *subnet)
        self.write("private-dns", "zone", "create", "--name", zone, until=self.networks.private_dns_zones)
        link = ["--name", "hub", "--zone-name", zone, "--virtual-network", "vnet-hub"]
        create = ["private-dns", "link", "vnet", "create", *link, "--registration-enabled", "false"]
        self.write(*create, until=lambda: self.networks.private_dns_zones()[0].linked_to)
        return str(self.show("vnet", "show", "--name", "vnet-hub")["id"])

    def connect(self, name: str, target: ArmId, group_id: str, *more: str) -> None:
        """Make a private endpoint."""
        before = len(self.networks.private_endpoints())
        place = ["--name", name, "--vnet-name", "vnet-hub", "--subnet", "snet-pe", "--connection-name", "to-target"]
        to_target = ["--private-connection-resource-id", str(target), "--group-id", group_id]
        create = ["private-endpoint", "create", *place, *to_target, *more]
        self.write(*create, until=lambda: states(self.emulator) == {"Succeeded": before + 1})

    def remove(self, zone: str, *endpoints: str) -> None:
        """Delete endpoints, link, zone and network."""
        for name in endpoints:
            delete = ["private-endpoint", "delete", "--name", name]
            self.write(*delete, until=lambda name=name: name not in self.names())
        delete = ["private-dns", "link", "vnet", "delete", "--name", "hub", "--zone-name", zone, "--yes"]
        self.write(*delete, until=lambda: not self.networks.private_dns_zones()[0].linked_to)
        delete = ["private-dns", "zone", "delete", "--name", zone, "--yes"]
        self.write(*delete, until=lambda: not self.networks.private_dns_zones())
        self.show("vnet", "delete", "--name", "vnet-hub")

    def names(self) -> set[str]:
        return {view.id.name for view in self.networks.private_endpoints()}


def test_private_endpoints_of_the_customer(az, served):
    """Network, zone, link, endpoint and zone group made with their own commands, approved, and deleted."""
    emulator = served.emulator
    network, networks = Network(az, emulator), emulator.networks
    offered = az("network", "private-link-resource", "list", "--id", str(emulator.account))
    [zone] = [name for one in offered if one["name"] == "account" for name in one["properties"]["requiredZoneNames"]]
    vnet = network.make(zone)
    network.connect("pe-account", emulator.account, "account")
    config = [
        "--endpoint-name",
        "pe-account",
        "--name",
        "default",
        "--private-dns-zone",
        zone,
        "--zone-name",
        "account",
    ]
    create = ["private-endpoint", "dns-zone-group", "create", *config]
    network.write(*create, until=lambda: networks.resolve(vnet, "pv1.purview.azure.com") == "10.0.1.4")
    records = network.show("private-dns", "record-set", "a", "list", "--zone-name", zone)
    assert [one["name"] for one in records] == ["pv1"]
    manual = ["--manual-request", "true", "--request-message", "lineage"]
    network.connect("pe-blob", emulator.targets(emulator.account)["blob"], "blob", *manual)
    listed = network.show("private-endpoint", "list")
    emulator.approve(next(one["id"] for one in listed if one["name"] == "pe-blob"))
    shown = [network.show("private-endpoint", "show", "--name", one["name"]) for one in listed]
    kinds = ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections")
    connections = {one["name"]: [len(one[kind]) for kind in kinds] for one in shown}
    assert connections == {"pe-account": [1, 0], "pe-blob": [0, 1]}
    assert {view.status for view in networks.private_endpoints()} == {"Approved"}
    network.remove(zone, "pe-account", "pe-blob")
    assert network.show("private-endpoint", "list") == []


def states(emulator: Emulator) -> Counter[str]:
    return Counter(view.provisioning_state for view in emulator.networks.private_endpoints())


def wait_until(emulator: Emulator, condition: Callable[[], Any]) -> None:
    """Let the emulator's time pass until a condition holds."""
    for _ in range(50):
        if condition():
            return
        emulator.clock.sleep(0.1)
    raise AssertionError("the emulator's time passed, and the condition does not hold")


def wait_for_connections(emulator: Emulator, count: int) -> None:
    """Let the emulator's time pass until the connections of the endpoints exist."""
    for _ in range(50):
        if sum(connection.endpoint is not None for connection in emulator.connections()) >= count:
            return
        emulator.clock.sleep(0.1)
    raise AssertionError("the connections did not appear")


def test_the_commands_of_a_hand_off_work(shell, served):
    """The owner can paste the commands of a report into a shell, and then everything is approved."""
    emulator = served.emulator
    with Client(emulator.credential_for("requester"), transport=emulator.transport()) as client:
        text = client.create_all(spec_for(emulator), approve=True).hand_off
    assert text is not None
    found = ""
    commands = re.findall(r"^ {3}(command|find it|then): +(az .*)$", text, re.MULTILINE)
    assert len([command for command in commands if command[0] != "find it"]) == len(emulator.endpoints())
    for label, command in commands:
        output = shell(re.sub("(CONNECTION|ID)-FOUND", found, command))
        if label == "find it" and "az resource show" in command:
            ((found, private_endpoint),) = re.findall(
                r"^- connection: (.+)\n  privateEndpoint: (.+)$", output, re.MULTILINE
            )
            assert private_endpoint in text
        elif label == "find it":
            [found] = re.findall(r"^- (/subscriptions/.+)$", output, re.MULTILINE)
    assert statuses(served) == {"Approved"}
