"""Random networks: existing resources are used and never duplicated, and nothing outside is written."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from purview_mpe import Client, Network, Report, Status
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import PlanConflict
from tests.support.colours import spec_for
from tests.support.networks import PURPOSES, ZONES

GROUPS = ("rg-net", "rg-dns", "rg-pe")
GROUP_IDS = ("account", "portal", "blob", "queue", "namespace")


@dataclass(frozen=True)
class Drawn:
    """A network with existing zones, links, endpoints and zone groups."""

    shape: str
    purpose: str
    dns: str
    zones: dict[str, tuple[str, str]]
    """By zone: its resource group, and the network that is linked to it: this one, another one, or none."""
    endpoints: dict[str, tuple[str, str]]
    """By group id: the resource group of an endpoint under another name, and its zone group: "right" has a zone of the
    group's name if one exists, "foreign" a zone of another name, and "none" means that it has no zone group."""
    fields: dict[str, str]


@st.composite
def networks(draw: st.DrawFn) -> Drawn:
    """Any such network."""
    links = st.sampled_from(("ours", "other", "none"))
    zones = draw(st.dictionaries(st.sampled_from(ZONES), st.tuples(st.sampled_from(GROUPS), links)))
    held = st.sampled_from(("right", "foreign", "none"))
    endpoints = draw(st.dictionaries(st.sampled_from(GROUP_IDS), st.tuples(st.sampled_from(GROUPS), held)))
    fields = {}
    if draw(st.booleans()):
        fields["resource_group"] = draw(st.sampled_from(GROUPS))
    if draw(st.booleans()):
        fields["zone_resource_group"] = draw(st.sampled_from(GROUPS))
    return Drawn(
        shape=draw(st.sampled_from("ABCDE")),
        purpose=draw(st.sampled_from(PURPOSES)),
        dns=draw(st.sampled_from(("existing", "create", "none"))),
        zones=zones,
        endpoints=endpoints,
        fields=fields,
    )


def built(drawn: Drawn) -> tuple[Emulator, Network]:
    """The emulator and the network as drawn."""
    azure = Emulator(shape=drawn.shape, foreign_connections=0)
    ours = azure.networks.add_virtual_network()
    other = azure.networks.add_virtual_network("vnet-other", resource_group="rg-other")
    for group in GROUPS:
        azure.networks.add_private_dns_zone("privatelink.example.org", resource_group=group)  # creates the group
    for zone, (group, linked) in drawn.zones.items():
        links = {"ours": [ours], "other": [other], "none": []}[linked]
        azure.networks.add_private_dns_zone(zone, linked_to=links, resource_group=group)
    subnet = ours.child("subnets", "snet-pe")
    lonely = azure.networks.add_private_dns_zone("privatelink.example.com", resource_group="rg-other")
    targets = azure.targets(azure.account)
    zones = {one.id.name: one.id for one in azure.networks.private_dns_zones()}
    for group_id, (group, held) in drawn.endpoints.items():
        target = targets.get(group_id) or (azure.account if group_id == "portal" else None)
        if target is not None:
            endpoint = azure.networks.add_private_endpoint(
                f"theirs-{group_id}", subnet, target, group_id, resource_group=group
            )
            right = zones.get(ZONES[GROUP_IDS.index(group_id)], lonely) if held == "right" else lonely
            if held != "none":
                azure.networks.add_zone_group(endpoint, right, name="deployedByPolicy")
    return azure, Network(subnet=subnet, dns=drawn.dns, **drawn.fields)


def shown(azure: Emulator) -> dict[str, tuple[str, ...]]:
    """Zone groups of the existing endpoints, by id."""
    return {str(one.id): one.zone_groups for one in azure.networks.private_endpoints()}


@pytest.mark.untraced
@settings(max_examples=60)
@given(networks())
def test_existing_resources_are_used_and_nothing_outside_is_written(drawn):
    """Existing zones, links and zone groups are kept; writes stay in the named resource groups.

    Names that resolved before are not hidden.
    """
    azure, network = built(drawn)
    before, zones_before = shown(azure), {str(one.id): one for one in azure.networks.private_dns_zones()}
    resolved_before = resolved(azure, network)
    linked_before = {one.id.name for one in zones_before.values() if network.virtual_network_id in one.linked_to}
    with Client(azure.credential, transport=azure.transport()) as client:
        try:
            report: Report | None = client.create_private_endpoints(
                spec_for(azure), network, purpose=drawn.purpose, approve=True
            )
        except PlanConflict:
            report = None
            assert not azure.writes
        else:
            assert report.complete
            writes = len(azure.writes)
            again = client.create_private_endpoints(spec_for(azure), network, purpose=drawn.purpose, approve=True)
            assert again.complete
            assert len(azure.writes) == writes
            status = client.private_endpoints_status(spec_for(azure), network, purpose=drawn.purpose)
            assert status.ready == (drawn.dns == "none" or all_resolve(azure, network, status))
    assert_nothing_outside(azure, network)
    resolved_after = resolved(azure, network)
    assert {host for host, address in resolved_after.items() if address is None} <= {
        host for host, address in resolved_before.items() if address is None
    }
    after = shown(azure)
    assert {name: after[name] for name, groups in before.items() if groups} == {
        name: groups for name, groups in before.items() if groups
    }
    assert_no_zone_is_doubled(azure, network, linked_before)
    if report is not None and drawn.dns != "existing":
        ours = [one for one in azure.networks.private_endpoints() if one.subnet == network.subnet_id]
        assert len({(one.target.casefold(), one.group_id) for one in ours}) == len(ours)


HOSTS = {
    "account": "pv1.purview.azure.com",
    "portal": "web.purview.azure.com",
    "namespace": "{name}.servicebus.windows.net",
    "blob": "{name}.blob.core.windows.net",
    "queue": "{name}.queue.core.windows.net",
}


def resolved(azure: Emulator, network: Network) -> dict[str, str | None]:
    """What the network resolves the names of the account's targets to; None if a linked zone hides a name."""
    names = {
        HOSTS[group_id].format(name=target.name)
        for group_id, target in azure.targets(azure.account).items()
        if group_id in HOSTS
    }
    return {host: azure.networks.resolve(network.virtual_network_id, host) for host in names}


def all_resolve(azure: Emulator, network: Network, status: Status) -> bool:
    """Whether every private endpoint's name resolves to its address in the network."""
    addresses = {str(one.id): one.address for one in azure.networks.private_endpoints()}
    return all(
        azure.networks.resolve(
            network.virtual_network_id, HOSTS[one.group_id].format(name=one.resource_id.rpartition("/")[2])
        )
        == addresses[one.private_endpoint_id or ""]
        for one in status.endpoints
    )


def assert_nothing_outside(azure: Emulator, network: Network) -> None:
    """Writes go only to the network's resource groups and to connections of the spec's targets."""
    allowed = {str(network.group_id).casefold(), str(network.zone_group_id).casefold()}
    targets = {str(azure.account).casefold(), *(str(one).casefold() for one in azure.targets(azure.account).values())}
    for request in azure.writes:
        path = request.path.casefold()
        inside = any(path.startswith(f"{group}/providers/microsoft.network/") for group in allowed)
        assert inside or any(path.startswith(target) for target in targets), request.path


def assert_no_zone_is_doubled(azure: Emulator, network: Network, linked_before: set[str]) -> None:
    """The network is linked to at most one zone of each name, and no linked zone is created a second time."""
    linked = [one.id.name for one in azure.networks.private_dns_zones() if network.virtual_network_id in one.linked_to]
    assert len(linked) == len(set(linked))
    made = [
        request.path.rpartition("/")[2]
        for request in azure.writes
        if request.path.count("/") == 8 and "privateDnsZones" in request.path
    ]
    assert not set(made) & linked_before


@pytest.mark.untraced
@pytest.mark.parametrize("runtimes", [1, 2])
@pytest.mark.parametrize("shape", "AC")
def test_check_says_whether_a_self_hosted_runtime_has_what_it_needs(colour, shape, runtimes):
    """False without endpoints, true with them, null with a reason if a target is unreadable; diagnose agrees."""
    azure = Emulator(shape=shape)
    for number in range(runtimes):
        azure.add_runtime(azure.factory, f"shir-{number}", "self-hosted")
    virtual_network = azure.networks.add_virtual_network()
    network = Network(subnet=virtual_network.child("subnets", "snet-pe"), dns="create")
    spec = spec_for(azure)

    def seen():
        check = colour.run(azure, lambda client: client.check(spec))
        found = {one.private_endpoints for one in check.runtimes if one.kind == "self-hosted"}
        assert {one.private_endpoints for one in check.runtimes if one.kind != "self-hosted"} == {None}
        codes = {one.code for one in check.findings}
        diagnosis = colour.run(azure, lambda client: client.diagnose(spec))
        own = {code for code in codes if code.startswith("own-")}
        assert own == {one.code for one in diagnosis.findings if one.code.startswith("own-")}
        return found, own

    colour.run(azure, lambda client: client.create_all(spec, approve=True))
    assert seen() == ({False}, {"own-endpoints-needed"})
    colour.run(azure, lambda client: client.create_private_endpoints(spec, network, purpose=PURPOSES[0], approve=True))
    assert seen() == ({True}, set())
    azure.inject(Fault.status("GET", 403, path="*rivateEndpointConnections*", times=None))
    found, codes = seen()
    assert (found, codes) == ({None}, {"own-endpoints-unreadable"})
    check = colour.run(azure, lambda client: client.check(spec))
    assert next(one for one in check.findings if one.code == "own-endpoints-unreadable").cause


def test_check_of_a_partly_forbidden_account(colour):
    """A missing endpoint makes it false, even if another target cannot be read."""
    azure = Emulator(shape="A")
    azure.add_runtime(azure.factory, "shir", "self-hosted")
    azure.inject(Fault.status("GET", 403, path="*/namespaces/*/privateEndpointConnections*", times=None))
    check = colour.run(azure, lambda client: client.check(spec_for(azure)))
    assert [one.private_endpoints for one in check.runtimes if one.kind == "self-hosted"] == [False]


def test_an_open_account_needs_no_private_endpoints(colour):
    """The value is true, and no target is listed."""
    azure = Emulator(firewall="enabled-from-all-networks")
    azure.add_runtime(azure.factory, "shir", "self-hosted")
    check = colour.run(azure, lambda client: client.check(spec_for(azure)))
    assert [one.private_endpoints for one in check.runtimes if one.kind == "self-hosted"] == [True]


def test_check_many_agrees_with_check(colour):
    """Each factory has the same value in both."""
    azure = Emulator(shape="A")
    azure.add_runtime(azure.factory, "shir", "self-hosted")
    [one] = colour.run(azure, lambda client: client.check_many([spec_for(azure)])).factories
    assert one.check == colour.run(azure, lambda client: client.check(spec_for(azure)))
    assert [found.private_endpoints for found in one.check.runtimes if found.kind == "self-hosted"] == [False]
