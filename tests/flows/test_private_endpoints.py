"""Private endpoints in the customer's own network: plan, create, status, delete."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import pytest

from purview_mpe import Client, Network
from purview_mpe.emulator import Emulator, Fault
from purview_mpe.errors import AccessDenied, InvalidSpec, NotFound, PlanConflict, UnsupportedSetup
from tests.support.colours import Colour, spec_for
from tests.support.moments import Before, Died, Killed
from tests.support.networks import PURPOSES, SHIR, ZONES, Place, a_place, end_state, results, sent

GROUPS = {
    SHIR: {shape: ["account", "blob", "queue", *(["namespace"] if shape in "AD" else [])] for shape in "ABCDE"},
    "studio": {shape: ["account", "portal"] for shape in "ABCDE"},
}


def create(place: Place, colour, purpose=SHIR, **options):
    """Create with one of the clients."""
    client_options = options.pop("client", {})
    return colour.run(
        place.azure,
        lambda client: client.create_private_endpoints(place.spec, place.network, purpose=purpose, **options),
        **client_options,
    )


def status(place: Place, colour, purpose=SHIR):
    """The status with one of the clients."""
    return colour.run(
        place.azure, lambda client: client.private_endpoints_status(place.spec, place.network, purpose=purpose)
    )


def with_policy(place: Place) -> Place:
    """A hub whose policy gives every new private endpoint its zone group."""
    place.with_zones()
    for group, zone in zip(("account", "portal", "blob", "queue", "namespace"), ZONES, strict=True):
        [found] = [one.id for one in place.azure.networks.private_dns_zones() if one.id.name == zone]
        place.azure.networks.add_zone_policy(group, found)
    return place


#: The ways in which names can resolve: zones of a hub, zones to create, a policy, and no zones.
WAYS = {
    "hub": lambda shape: a_place(shape, "existing").with_zones(),
    "made": lambda shape: a_place(shape, "create"),
    "policy": lambda shape: with_policy(a_place(shape, "none")),
    "none": lambda shape: a_place(shape, "none"),
}


@pytest.mark.untraced
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("shape", "ABCDE")
def test_one_call_creates_endpoints_whose_names_resolve(colour, shape, purpose, way):
    """Every endpoint is ready; a second call writes nothing and needs few requests."""
    place = WAYS[way](shape)
    report = create(place, colour, purpose, approve=True)
    assert report.complete
    made = [one for one in report.outcomes if one.subject == "private-endpoint" and one.result == "created"]
    assert [one.group_id for one in made] == GROUPS[purpose][shape]
    assert [one.name for one in made] == [f"purview-{group}" for group in GROUPS[purpose][shape]]
    assert status(place, colour, purpose).ready
    resolved = place.azure.networks.resolve(place.virtual_network, "pv1.purview.azure.com")
    addresses = {one.address for one in place.azure.networks.private_endpoints() if one.group_id == "account"}
    assert (resolved in addresses) == (way != "none")
    writes, requests = len(place.azure.writes), len(place.azure.requests)
    again = create(place, colour, purpose, approve=True)
    assert again.complete
    assert {one.result for one in again.outcomes} == {"kept", "already-approved"}
    assert len(place.azure.writes) == writes
    assert len(place.azure.requests) - requests <= 17


def remove(place: Place, colour, purpose=SHIR):
    """Delete with one of the clients."""
    return colour.run(
        place.azure, lambda client: client.delete_private_endpoints(place.spec, place.network, purpose=purpose)
    )


@pytest.mark.parametrize("purpose", PURPOSES)
def test_delete_removes_what_create_has_created(colour, purpose):
    """The endpoints go with their records; zones and links stay, and so do all other resources."""
    place = a_place("A")
    create(place, colour, purpose, approve=True)

    def delete(client, **options):
        return client.delete_private_endpoints(place.spec, place.network, purpose=purpose, **options)

    foretold = colour.run(place.azure, lambda client: delete(client, dry_run=True))
    count = len(GROUPS[purpose]["A"])
    assert results(foretold) == {"private-endpoint": ["would-delete"] * count}
    assert not foretold.complete
    report = colour.run(place.azure, delete)
    assert results(report) == {"private-endpoint": ["deleted"] * count}
    assert place.azure.networks.private_endpoints() == []
    assert all(zone.linked_to for zone in place.azure.networks.private_dns_zones())
    assert results(colour.run(place.azure, delete)) == {"private-endpoint": ["absent"] * count}


def test_a_dry_run_writes_nothing(colour):
    """It gives what would be done, and is not complete."""
    place = a_place("B")
    report = create(place, colour, dry_run=True)
    assert {one.result for one in report.outcomes} == {"would-create"}
    assert not report.complete
    assert not place.azure.writes


@pytest.mark.parametrize(
    ("approval", "word", "complete"), [("automatic", "already-approved", True), ("manual", "would-approve", False)]
)
def test_a_dry_run_predicts_approvals(colour, approval, word, complete):
    """Existing private endpoints have a connection; the others have none yet."""
    place = a_place("B", "none", fields={"approval": approval})
    create(place, colour)
    report = create(place, colour, dry_run=True, approve=True)
    assert results(report) == {"private-endpoint": ["kept"] * 3 + [word] * 3}
    assert report.complete is complete


def test_a_plan_names_every_step(colour):
    """Zones and links first, then endpoints, then zone groups; it reads only."""
    place = a_place("C")
    plan = colour.run(
        place.azure, lambda client: client.plan_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert [step.subject for step in plan.steps] == [
        *(["dns-zone", "dns-link"] * 3),
        *(["private-endpoint"] * 3),
        *(["dns-zone-group"] * 3),
    ]
    assert (plan.network, plan.purpose) == (place.network, SHIR)
    assert not place.azure.writes


def test_an_open_account_needs_only_ingestion(colour):
    """The account itself is reached publicly, unless it is closed (matrix)."""
    place = a_place("B", firewall="disabled-for-ingestion-only")
    report = create(place, colour, approve=True)
    groups = [one.group_id for one in report.outcomes if one.result == "created" and one.group_id]
    assert groups == ["blob", "queue"]


# --- DNS


@pytest.mark.parametrize("linked", [True, False])
def test_a_missing_zone_is_refused_before_the_first_write(colour, linked):
    """`existing` goes on only if every zone is linked; the finding names the zone."""
    place = a_place("B", "existing")
    if not linked:
        place.with_zones(linked=False, group="rg-net")
    with pytest.raises(PlanConflict) as refused:
        create(place, colour)
    assert {step.subject for step in refused.value.plan.conflicts} == {"dns-zone"}
    assert {finding.code for finding in refused.value.plan.warnings} == {"dns-zone-missing"}
    assert not place.azure.writes
    shown = status(place, colour)
    assert not shown.ready
    assert "dns-zone-missing" in {finding.code for finding in shown.findings}


def test_an_unlinked_zone_in_another_group_is_not_duplicated(colour):
    """It is neither written nor created again: the remedy names its resource group, with which it is linked."""
    place = a_place("B").with_zones(linked=False)
    with pytest.raises(PlanConflict, match="zone_resource_group"):
        create(place, colour)
    hub = Network(subnet=place.network.subnet, dns="create", zone_resource_group="rg-dns")
    report = colour.run(
        place.azure, lambda client: client.create_private_endpoints(place.spec, hub, purpose=SHIR, approve=True)
    )
    assert report.complete
    assert results(report)["dns-zone"] == ["kept"] * 3
    assert results(report)["dns-link"] == ["created"] * 3


def test_an_existing_zone_group_is_left_alone(colour):
    """Whatever its name and zones, it is not touched."""
    place = a_place("B").with_zones()
    create(place, colour, approve=True)
    zone_groups = [one.zone_groups for one in place.azure.networks.private_endpoints()]
    writes = len(place.azure.writes)
    create(place, colour, approve=True)
    assert [one.zone_groups for one in place.azure.networks.private_endpoints()] == zone_groups
    assert len(place.azure.writes) == writes


def test_a_zone_group_created_by_a_faster_policy_is_kept(colour):
    """It exists before the run writes its own."""
    place = with_policy(a_place("B", "existing"))
    report = create(place, colour, approve=True)
    assert report.complete
    assert {one.zone_groups for one in place.azure.networks.private_endpoints()} == {("deployedByPolicy",)}


def test_a_zone_group_with_other_zones_is_a_warning(colour):
    """It stays, so the names do not resolve, and the status is not ready."""
    place = a_place("B", "existing").with_zones()
    other = place.azure.networks.add_private_dns_zone(ZONES[0], resource_group="rg-other")
    endpoint = place.azure.networks.add_private_endpoint("theirs", place.subnet, place.azure.account, "account")
    place.azure.networks.add_zone_group(endpoint, other, name="deployedByPolicy")
    report = create(place, colour, "studio", approve=True)
    assert "dns-zone-group-unusable" in {finding.code for finding in report.warnings}
    assert not [request for request in place.azure.writes if "/theirs/" in request.path]
    shown = status(place, colour, "studio")
    assert not shown.ready
    assert "dns-zone-group-unusable" in {finding.code for finding in shown.findings}


def test_a_zone_that_would_hide_a_name_is_not_linked(colour):
    """The zone group of an existing private endpoint writes elsewhere: nothing is written, and the name stays public."""
    place = a_place("B", "create")
    other = place.azure.networks.add_private_dns_zone(ZONES[0], resource_group="rg-other")
    endpoint = place.azure.networks.add_private_endpoint("theirs", place.subnet, place.azure.account, "account")
    place.azure.networks.add_zone_group(endpoint, other, name="deployedByPolicy")
    network = place.network.model_copy(update={"zone_resource_group": "rg-net"})
    with pytest.raises(PlanConflict) as refused:
        create(replace(place, network=network), colour, "studio")
    assert "hides the name of the private endpoint 'theirs'" in str(refused.value)
    assert not place.azure.writes
    assert place.azure.networks.resolve(place.virtual_network, "pv1.purview.azure.com") == "public"


def test_a_zone_group_is_kept_beside_a_link_that_fails(colour):
    """The failure of the link is that of the link alone."""
    place = a_place("B", "create")
    create(place, colour, "studio", approve=True)
    for zone in place.azure.networks.private_dns_zones():
        sent(place.azure, "DELETE", zone.id.child("virtualNetworkLinks", "link-vnet-hub"))
    place.azure.clock.sleep(60)
    place.azure.inject(Fault.status("PUT", 403, path="*/virtualNetworkLinks/*", times=None))
    found = results(create(place, colour, "studio", approve=True))
    assert found["dns-link"] == ["failed"] * 2
    assert found["dns-zone-group"] == ["kept"] * 2


def test_a_missing_zone_group_in_another_resource_group_is_a_finding(colour):
    """Nothing is written in the other resource group, so the status is not ready."""
    place = a_place("B", "existing").with_zones()
    place.azure.networks.add_private_endpoint(
        "theirs", place.subnet, place.azure.account, "account", resource_group="rg-theirs"
    )
    create(place, colour, "studio", approve=True)
    shown = status(place, colour, "studio")
    assert not shown.ready
    assert "dns-zone-group-missing" in {finding.code for finding in shown.findings}


def test_a_failed_zone_group_is_repeated(colour):
    """Until then the status is not ready; the second call finishes it, and the third writes nothing."""
    place = a_place("B")
    place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateDnsZoneGroups/*", times=3))
    assert results(create(place, colour, approve=True))["dns-zone-group"] == ["failed"] * 3
    assert not status(place, colour).ready
    assert results(create(place, colour, approve=True))["dns-zone-group"] == ["created"] * 3
    assert status(place, colour).ready
    writes = len(place.azure.writes)
    assert create(place, colour, approve=True).complete
    assert len(place.azure.writes) == writes


@pytest.mark.parametrize(("fails", "result", "complete"), [(False, "created", True), (True, "failed", False)])
def test_a_zone_group_in_progress_by_another_run(colour, fails, result, complete):
    """One that is being deleted is created once it is gone; one whose creation fails is reported as failed."""
    place = a_place("B")
    create(place, colour, "studio", approve=True)
    group = place.network.endpoint_id("purview-account").child("privateDnsZoneGroups", "purview-account")
    if fails:
        place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateDnsZoneGroups/*"))
        sent(place.azure, "PUT", group, sent(place.azure, "GET", group))
    else:
        sent(place.azure, "DELETE", group)
    report = create(place, colour, "studio", approve=True)
    assert results(report)["dns-zone-group"] == [result, "kept"]
    assert report.complete is complete
    assert create(place, colour, "studio", approve=True).complete
    assert status(place, colour, "studio").ready


def test_a_link_that_conflicts_with_an_unseen_zone_fails(colour):
    """A zone in a subscription that was not searched is already linked: the remedy names the field for it."""
    place = a_place("B")
    hub = "00000000-0000-0000-0000-00000000beef"
    for zone in ZONES:
        place.azure.networks.add_private_dns_zone(zone, linked_to=[place.virtual_network], subscription=hub)
    [first, *_] = [one for one in create(place, colour).outcomes if one.subject == "dns-link"]
    assert first.result == "failed"
    assert "Network.zone_resource_group" in first.error.remedy


def test_zones_of_a_forbidden_subscription_are_searched_in_the_resource_groups(colour):
    """A caller who cannot list the subscription's zones finds those of the network's own groups, with a warning."""
    place = a_place("B", "existing").with_zones(group="rg-net")
    whole = f"/subscriptions/{place.azure.subscription}/providers/Microsoft.Network/privateDnsZones"
    place.azure.inject(Fault.status("GET", 403, path=whole, times=None))
    plan = colour.run(
        place.azure, lambda client: client.plan_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert not plan.conflicts
    assert "dns-zones-unreadable" in {finding.code for finding in plan.warnings}


@dataclass(frozen=True)
class Neighbours:
    """Two subnets of one virtual network, and so of one zone, with private endpoints to the same targets."""

    first: Place
    second: Place

    @classmethod
    def of(cls) -> Neighbours:
        first = a_place("B", "existing").with_zones()
        subnet = first.azure.networks.add_subnet(first.virtual_network, "snet-two")
        spec = first.spec.model_copy(update={"name": "two"})
        return cls(first, replace(first, spec=spec, network=first.network.model_copy(update={"subnet": str(subnet)})))


def codes(findings) -> list[str]:
    """The codes of findings about records."""
    return [finding.code for finding in findings if finding.code.startswith("dns-record")]


def test_a_second_endpoint_replaces_the_record_of_the_first(colour):
    """A zone holds one record for a target: the second plan says so, and the first status is not ready any more."""
    both = Neighbours.of()
    assert codes(create(both.first, colour, "studio", approve=True).warnings) == []
    assert status(both.first, colour, "studio").ready
    second = create(both.second, colour, "studio", approve=True)
    assert (second.complete, codes(second.warnings)) == (True, ["dns-record-taken"])
    assert status(both.second, colour, "studio").ready
    shown = status(both.first, colour, "studio")
    assert (shown.ready, codes(shown.findings)) == (False, ["dns-record-replaced"])
    writes = len(both.first.azure.writes)
    again = create(both.first, colour, "studio", approve=True)
    assert codes(again.warnings) == ["dns-record-replaced"]
    assert len(both.first.azure.writes) == writes


def test_the_record_goes_with_the_second_endpoint(colour):
    """Until the zone group of the first is created again, as the finding says."""
    both = Neighbours.of()
    for place in (both.first, both.second):
        create(place, colour, "studio", approve=True)
    remove(both.second, colour, "studio")
    shown = status(both.first, colour, "studio")
    assert (shown.ready, codes(shown.findings)) == (False, ["dns-record-replaced"] * 2)
    assert "holds no address for 'pv1'" in shown.findings[0].message
    for endpoint in both.first.azure.networks.private_endpoints():
        for name in endpoint.zone_groups:
            sent(both.first.azure, "DELETE", endpoint.id.child("privateDnsZoneGroups", name))
    both.first.azure.clock.sleep(60)
    create(both.first, colour, "studio", approve=True)
    assert status(both.first, colour, "studio").ready


def test_a_record_that_cannot_be_read_is_not_taken_for_another(colour):
    """Nothing is said about it, and the status depends on the rest."""
    both = Neighbours.of()
    for place in (both.first, both.second):
        create(place, colour, "studio", approve=True)
    both.first.azure.inject(Fault.status("GET", 403, path="*/privateDnsZones/*/A/*", times=None))
    shown = status(both.first, colour, "studio")
    assert (shown.ready, codes(shown.findings)) == (True, [])


def test_a_sign_in_that_fails_at_a_record_is_said(colour):
    """It is not a missing role."""
    both = Neighbours.of()
    create(both.first, colour, "studio", approve=True)
    both.first.azure.inject(Fault.status("GET", 401, path="*/privateDnsZones/*/A/*", times=None))
    with pytest.raises(AccessDenied):
        status(both.first, colour, "studio")


# --- approval


@pytest.mark.parametrize("shape", "AC")
def test_without_the_right_to_approve_connections_wait(colour, shape):
    """Azure refuses the automatic connection, so it is manual; the owner approves it from the report, by exact id."""
    place = a_place(shape)
    roles = ("Network Contributor", "Private DNS Zone Contributor", "Reader")
    report = create(place, colour, client={"roles": roles})
    assert report.succeeded
    views = place.azure.networks.private_endpoints()
    assert {one.status for one in views} == {"Pending"}
    assert {one.is_manual for one in views} == {True}
    assert all(str(one.id) in report.hand_off for one in views)
    assert "data factory" not in report.hand_off
    approved = colour.run(place.azure, lambda client: client.approve(report))
    assert {(one.subject, one.result) for one in approved.outcomes} == {("private-endpoint", "approved")}
    assert approved.complete
    assert status(place, colour).ready


def test_an_edited_report_approves_no_other_endpoint(colour):
    """An id that is not that of the named endpoint in the network's resource group is not approved."""
    place = a_place("B")
    report = create(place, colour, client={"roles": ("Network Contributor", "Private DNS Zone Contributor", "Reader")})
    stranger = place.network.endpoint_id("stranger")
    edited = report.model_copy(
        update={
            "outcomes": tuple(
                one.model_copy(update={"private_endpoint_id": str(stranger)}) if one.group_id else one
                for one in report.outcomes
            )
        }
    )
    refused = colour.run(place.azure, lambda client: client.approve(edited))
    assert {one.result for one in refused.outcomes} == {"ambiguous"}


def test_manual_approval_waits_for_the_owner(colour):
    """With `manual`, every connection waits for its owner, even if the caller could approve."""
    place = a_place("B", fields={"approval": "manual"})
    report = create(place, colour)
    assert {one.status for one in place.azure.networks.private_endpoints()} == {"Pending"}
    assert "Please approve 3 private endpoint connections" in report.hand_off
    assert {one.verdict for one in status(place, colour).endpoints} == {"pending"}


def test_only_ingestion_storage_of_newer_accounts_is_manual(colour):
    """The account approves by itself; the storage behind it belongs to Microsoft (public code)."""
    place = a_place("C")
    create(place, colour)
    assert [one.is_manual for one in place.azure.networks.private_endpoints()] == [False, True, True]


# --- conflicts and failures


def test_a_taken_name_is_a_conflict(colour):
    """The endpoint with this name is not touched."""
    place = a_place("B")
    storage = place.azure.targets(place.azure.account)["blob"]
    place.azure.networks.add_private_endpoint("purview-account", place.subnet, storage, "blob")
    with pytest.raises(PlanConflict, match="is taken"):
        create(place, colour)
    [conflict] = [one for one in create(place, colour, dry_run=True).outcomes if one.result == "conflict"]
    assert "is taken" in conflict.error.message
    assert not place.azure.writes


def test_an_endpoint_with_another_name_and_resource_group_is_kept(colour):
    """Identity is target, group id and subnet; nothing is written in the other resource group."""
    place = a_place("B", "none")
    place.azure.networks.add_private_endpoint(
        "theirs", place.subnet, place.azure.account, "account", resource_group="rg-theirs"
    )
    report = create(place, colour, approve=True)
    first = next(one for one in report.outcomes if one.group_id == "account")
    assert (first.name, first.result) == ("theirs", "kept")
    assert not [request for request in place.azure.writes if "rg-theirs" in request.path]
    taken = colour.run(
        place.azure, lambda client: client.delete_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert results(taken)["private-endpoint"][0] == "conflict"
    assert [one.id.name for one in place.azure.networks.private_endpoints()] == ["theirs"]


@pytest.mark.parametrize("status_word", ["Rejected", "Disconnected"])
def test_a_rejected_endpoint_is_replaced_only_if_the_spec_allows_it(colour, status_word):
    """Deleting and creating is the only way (docs)."""
    place = a_place("B", "none")
    place.azure.networks.add_private_endpoint(
        "purview-account", place.subnet, place.azure.account, "account", status=status_word
    )
    with pytest.raises(PlanConflict, match="replace_broken"):
        create(place, colour)
    allowed = spec_for(place.azure, replace_broken=True)
    report = create(Place(place.azure, allowed, place.network, place.virtual_network), colour, approve=True)
    assert report.complete
    assert next(one.result for one in report.outcomes if one.group_id == "account") == "replaced"
    assert {one.status for one in place.azure.networks.private_endpoints()} == {"Approved"}


def test_another_operation_in_the_subnet_is_waited_for(colour):
    """A subnet runs one operation at a time; the flow reads its state again and repeats the PUT."""
    place = a_place("B")
    place.azure.networks.occupy(place.subnet, 25)
    assert create(place, colour, approve=True).complete


def test_a_failed_operation_reports_its_reason(colour):
    """The reason is inside the operation; the remedy has the command for the subnet."""
    place = a_place("B", "none")
    subnet = place.azure.networks.add_subnet(place.virtual_network, "snet-old", network_policies="Enabled")
    old = Network(subnet=subnet, dns="none")
    report = create(Place(place.azure, place.spec, old, place.virtual_network), colour)
    assert {one.result for one in report.outcomes} == {"failed"}
    [error, *_] = [one.error for one in report.outcomes]
    assert error.azure_code == "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled"
    assert "--private-endpoint-network-policies Disabled" in error.remedy


def test_a_transient_failure_is_repeated(colour):
    """Storage runs one operation at a time: the same PUT is sent again (public code)."""
    place = a_place("B", "none")
    place.azure.inject(
        Fault.failed_provisioning(code="StorageAccountOperationInProgress", path="*/privateEndpoints/*-blob", times=2)
    )
    assert create(place, colour, approve=True).complete


def test_the_timeout_ends_the_wait(colour):
    """Requests that Azure has accepted are timed-out, and a later call finds the endpoints."""
    place = a_place("B")
    report = create(place, colour, timeout=20)
    assert results(report)["private-endpoint"] == ["timed-out"] * 3
    assert len(place.azure.networks.private_endpoints()) == 1
    assert create(place, colour, approve=True).complete


def test_wait_false_does_not_wait_for_the_last_endpoint(colour):
    """Only operations that have to end before the next write are waited for."""
    place = a_place("B", "none")
    began = place.azure.clock.now()
    create(place, colour, wait=False)
    quick = place.azure.clock.now() - began
    other = a_place("B", "none")
    began = other.azure.clock.now()
    create(other, colour)
    assert quick < other.azure.clock.now() - began
    assert len(place.azure.networks.private_endpoints()) == 3


@pytest.mark.parametrize(
    ("network", "error"),
    [("subnets/absent", UnsupportedSetup), ("absent", NotFound)],
)
def test_a_missing_network_or_subnet_is_refused(colour, network, error):
    """The error is raised before the first write."""
    place = a_place("B")
    there = (
        place.virtual_network
        if network.startswith("subnets")
        else place.virtual_network.in_group("Microsoft.Network", "virtualNetworks", "absent")
    )
    wanted = Network(subnet=there.child("subnets", "absent"))
    with pytest.raises(error):
        colour.run(place.azure, lambda client: client.create_private_endpoints(place.spec, wanted, purpose=SHIR))
    assert not place.azure.writes


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"location": "eastus"}, UnsupportedSetup),
        ({"resource_group": "rg-absent"}, NotFound),
        ({"zone_resource_group": "rg-absent"}, NotFound),
    ],
)
def test_a_network_with_a_wrong_location_or_group_is_refused(colour, fields, error):
    """Nothing is written, not even a zone, which would stay."""
    place = a_place("B", fields=fields)
    with pytest.raises(error):
        create(place, colour)
    assert not place.azure.writes


def test_an_unreadable_resource_group_of_zones_is_used(colour):
    """A caller may have the right to write zones, but not to list them."""
    place = a_place("B", fields={"zone_resource_group": "rg-dns"}).with_zones(linked=False)
    listed = f"/subscriptions/{place.azure.subscription}/resourceGroups/rg-dns/providers/*/privateDnsZones"
    place.azure.inject(Fault.status("GET", 403, path=listed, times=None))
    assert create(place, colour, approve=True).complete


@pytest.mark.parametrize("zone_group", [{"zone_resource_group": "rg-dns"}, {}])
def test_a_name_stays_public_until_its_endpoint_exists(colour, zone_group):
    """A linked zone without a record hides the public name, so it is not linked if its endpoint cannot be created."""
    place = a_place("B", fields=zone_group)
    place.azure.networks.add_private_dns_zone("privatelink.example.org", resource_group="rg-dns")
    place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateEndpoints/*-account", times=None))
    report = create(place, colour)
    assert results(report)["dns-link"] == ["failed", "created", "created"]
    assert place.azure.networks.resolve(place.virtual_network, "pv1.purview.azure.com") == "public"


def test_without_reader_on_the_network_nothing_is_written(colour):
    """A caller who cannot see what exists creates nothing."""
    place = a_place("B")
    with pytest.raises(AccessDenied):
        create(place, colour, client={"roles": ()})
    assert not place.azure.writes


@pytest.mark.parametrize(("network", "purpose"), [("x", SHIR), (None, "lineage")])
def test_wrong_arguments_are_refused(colour, network, purpose):
    """The error says what is not a network or a purpose, and no request is sent."""
    place = a_place("B")
    with pytest.raises(InvalidSpec):
        colour.run(
            place.azure,
            lambda client: client.plan_private_endpoints(place.spec, network or place.network, purpose=purpose),
        )
    assert not place.azure.requests


def test_apply_refuses_a_plan_for_a_network(colour):
    """The error names the verb that creates the endpoints, which plans again."""
    place = a_place("B")
    plan = colour.run(
        place.azure, lambda client: client.plan_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    with pytest.raises(InvalidSpec, match="create_private_endpoints"):
        colour.run(place.azure, lambda client: client.apply(plan))


# --- changes by others meanwhile


def test_a_link_name_taken_by_another_network_fails(colour):
    """The step fails, and the next call gives the link another name."""
    place = a_place("B")
    other = place.azure.networks.add_virtual_network("link-vnet-hub")

    def take(_: int) -> None:
        for zone in place.azure.networks.private_dns_zones():
            if not zone.linked_to:
                place.azure.networks.link_private_dns_zone(zone.id, other)

    policy = Before("PUT", "/virtualNetworkLinks/", take)
    report = create(place, colour, approve=True, client={"per_retry_policies": [policy]})
    assert results(report)["dns-link"] == ["failed"] * 3
    again = create(place, colour, approve=True)
    assert again.complete
    assert {one.name for one in again.outcomes if one.subject == "dns-link"} == {"link-vnet-hub-2"}
    assert status(place, colour).ready


def test_an_endpoint_that_is_being_deleted_is_waited_for(colour):
    """Its name is free once it is gone."""
    place = a_place("B", "none")
    create(place, colour)
    with Client(place.azure.credential, transport=place.azure.transport()) as client:
        client.delete_private_endpoints(place.spec, place.network, purpose=SHIR, timeout=3)
    assert "Deleting" in {one.provisioning_state for one in place.azure.networks.private_endpoints()}
    report = create(place, colour, approve=True)
    assert report.complete
    assert len(place.azure.networks.private_endpoints()) == 3


def test_a_deletion_in_progress_is_waited_for(colour):
    """Another run has started it: the endpoint counts as deleted once it is gone."""
    place = a_place("B", "none")
    create(place, colour)
    with Client(place.azure.credential, transport=place.azure.transport()) as client:
        first = client.delete_private_endpoints(place.spec, place.network, purpose=SHIR, timeout=3)
    assert "timed-out" in results(first)["private-endpoint"]
    report = colour.run(
        place.azure, lambda client: client.delete_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert results(report) == {"private-endpoint": ["deleted"] * 3}


def test_a_creation_in_progress_is_waited_for(colour):
    """Another run has started it: the endpoint is kept, and the subnet is blocked meanwhile."""
    place = a_place("B")
    create(place, colour, timeout=10)
    assert {one.provisioning_state for one in place.azure.networks.private_endpoints()} == {"Updating"}
    report = create(place, colour, approve=True)
    assert report.complete
    assert results(report)["private-endpoint"][0] == "kept"


def test_a_creation_that_failed_in_another_run_is_repeated(colour):
    """The same PUT repairs it (public code)."""
    place = a_place("B", "none")
    place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateEndpoints/purview-account"))
    assert results(create(place, colour))["private-endpoint"] == ["failed", "created", "created"]
    assert create(place, colour, approve=True).complete


def test_a_failed_zone_stops_its_link_and_zone_group(colour):
    """The endpoint and the other zones are written."""
    place = a_place("B")
    place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateDnsZones/*.blob.*", times=None))
    report = create(place, colour)
    assert results(report)["dns-zone"] == ["created", "failed", "created"]
    assert results(report)["dns-link"] == ["created", "failed", "created"]
    assert results(report)["private-endpoint"] == ["created"] * 3
    assert results(report)["dns-zone-group"] == ["created", "failed", "created"]
    place.azure.clear_faults()
    assert create(place, colour, approve=True).complete


def test_a_failed_endpoint_stops_its_zone_group(colour):
    """The other endpoints are created."""
    place = a_place("B")
    place.azure.inject(Fault.failed_provisioning(code="Broken", path="*/privateEndpoints/purview-blob", times=None))
    report = create(place, colour)
    assert results(report)["private-endpoint"] == ["created", "failed", "created"]
    assert results(report)["dns-zone-group"] == ["created", "failed", "created"]


def test_a_permanent_failure_is_reported_after_five_tries(colour):
    """The error has Azure's code."""
    place = a_place("B", "none")
    place.azure.inject(Fault.failed_provisioning(code="RetryableError", path="*/purview-account", times=None))
    report = create(place, colour)
    first = report.outcomes[0]
    assert (first.result, first.error.azure_code) == ("failed", "RetryableError")
    puts = [one for one in place.azure.writes if one.path.endswith("/purview-account")]
    assert len(puts) == 5


def test_a_locked_endpoint_is_not_deleted(colour):
    """The refusal is reported, and the others are deleted."""
    place = a_place("B", "none")
    create(place, colour)
    place.azure.inject(Fault.status("DELETE", 409, code="ScopeLocked", path="*/purview-blob", times=None))
    report = colour.run(
        place.azure, lambda client: client.delete_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert results(report)["private-endpoint"] == ["deleted", "failed", "deleted"]


def test_endpoints_in_a_forbidden_resource_group_are_a_warning(colour):
    """One of them may be an endpoint of the spec; the readable ones are used."""
    place = a_place("B", "none")
    place.azure.networks.add_private_endpoint(
        "theirs", place.subnet, place.azure.account, "account", resource_group="rg-theirs"
    )
    forbidden = f"/subscriptions/{place.azure.subscription}/resourceGroups/rg-theirs/providers/*/privateEndpoints"
    place.azure.inject(Fault.status("GET", 403, path=forbidden, times=None))
    plan = colour.run(
        place.azure, lambda client: client.plan_private_endpoints(place.spec, place.network, purpose=SHIR)
    )
    assert "private-endpoints-unreadable" in {finding.code for finding in plan.warnings}
    assert plan.steps[0].action == "create"


def test_without_private_link_resources_the_documented_groups_are_used(colour):
    """The caller cannot read which groups and zones the account offers."""
    place = a_place("B")
    place.azure.inject(Fault.status("GET", 403, path="*/privateLinkResources", times=None))
    assert create(place, colour, approve=True).complete


def test_a_tenant_level_account_has_a_platform_endpoint(colour):
    """Its host shows that it is one."""
    azure = Emulator()
    spec = spec_for(azure, azure.add_account("contoso", shape="C", tenant_level=True))
    subnet = azure.networks.add_virtual_network().child("subnets", "snet-pe")
    network = Network(subnet=subnet, dns="create")
    report = colour.run(
        azure, lambda client: client.create_private_endpoints(spec, network, purpose="studio", approve=True)
    )
    assert report.complete
    assert [one.group_id for one in report.outcomes if one.result == "created" and one.group_id] == [
        "account",
        "portal",
        "platform",
    ]


def test_without_account_the_connected_one_is_used(colour):
    """The account is read from the factory's connection."""
    place = a_place("B", "none")
    spec = place.spec.model_copy(update={"account": None})
    report = colour.run(
        place.azure, lambda client: client.create_private_endpoints(spec, place.network, purpose="studio", approve=True)
    )
    assert report.complete
    taken = colour.run(
        place.azure, lambda client: client.delete_private_endpoints(spec, place.network, purpose="studio")
    )
    assert results(taken) == {"private-endpoint": ["deleted"] * 2}


def test_an_interruption_carries_the_report():
    """Steps that were not finished are failures with the code `interrupted`."""
    place, colour = a_place("B", "none"), Colour("sync")

    def interrupt(event):
        if event.outcome is not None and event.outcome.name == "purview-account":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as interrupted:
        create(place, colour, client={"on_event": interrupt})
    report = interrupted.value.report
    assert [one.result for one in report.outcomes] == ["created", "failed", "failed"]
    assert report.outcomes[2].error.code == "interrupted"


# --- interruption


def killed_and_repeated(
    shape: str, colour: Colour, place_of_death: int, moment: Literal["before", "after"]
) -> Emulator:
    """An emulator after a run that was killed at one of its requests, and a second run."""
    place = a_place(shape, foreign_connections=0)
    with contextlib.suppress(Died):
        create(place, colour, approve=True, client={"per_retry_policies": [Killed(place_of_death, moment)]})
    assert create(place, colour, approve=True).complete
    return place.azure


@cache
def undisturbed(shape: str, colour: Colour) -> dict[str, object]:
    """The content of the network after two runs that nothing killed."""
    return end_state(killed_and_repeated(shape, colour, 10_000, "before"))


@pytest.mark.untraced
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 240, 9))
def test_a_run_killed_at_any_request_is_finished_by_the_next(number, moment):
    """Killed before a request is sent or after its answer, the second run creates the rest, and nothing twice.

    A sample of the requests, with each shape and each client in turn.
    """
    shape, colour = "ABCDE"[number % 5], Colour("sync" if number % 2 else "async")
    azure = killed_and_repeated(shape, colour, number, moment)
    assert end_state(azure) == undisturbed(shape, colour)
    puts = [request.path for request in azure.writes if request.method == "PUT" and request.status == 201]
    assert len(puts) == len(set(puts))


@pytest.mark.parametrize("path", ["*/privateDnsOperationStatuses/*", "*/locations/*/operations/*"])
def test_a_lost_status_answer_does_not_block_other_operations(colour, path):
    """Operations are followed concurrently, and one whose status is read again does not delay the others."""
    place = a_place("C", "create")
    place.azure.inject(Fault.reset("GET", path=path, times=3))
    assert create(place, colour, approve=True).complete


def test_a_missing_role_is_requested_at_the_resource_group(colour):
    """A role cannot be assigned at a private endpoint or a zone that does not exist."""
    place = a_place("B")
    report = create(place, colour, client={"roles": ("Reader",)})
    denied = {one.subject: one.error.remedy for one in report.outcomes if one.error.code == "access-denied"}
    assert denied.keys() == {"dns-zone", "private-endpoint"}
    assert all(remedy.endswith(f"--scope {place.virtual_network.group}") for remedy in denied.values())


# --- the extra


@pytest.mark.parametrize("package", ["azure.mgmt.network", "azure.mgmt.privatedns"])
def test_without_the_extra_the_error_names_it(colour, package, monkeypatch):
    """Nothing is written, and the remedy is the command that installs it."""
    for name in (package, f"{package}.aio"):
        monkeypatch.setitem(sys.modules, name, None)
    place = a_place("B")
    with pytest.raises(UnsupportedSetup, match="not installed") as refused:
        create(place, colour)
    assert "the extra 'network': pip install azure-mgmt-network azure-mgmt-privatedns" in refused.value.remedy
    assert not place.azure.writes


def test_other_verbs_do_not_import_the_extra():
    """A program that uses no private endpoints of its own does not need the packages."""
    code = """
import sys
from purview_mpe import Client, Spec
from purview_mpe.emulator import Emulator
azure = Emulator()
spec = Spec(factory=azure.factory, account=azure.account, name="purview")
with Client(azure.credential, transport=azure.transport()) as client:
    client.create_all(spec, approve=True)
    client.check(spec)
print(sorted(name for name in sys.modules if name in ("azure.mgmt.network", "azure.mgmt.privatedns")))
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
