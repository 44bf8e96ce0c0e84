"""What a virtual network of the customer needs, decided from values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.results import Target
from purview_mpe._model.surroundings import Record, Surroundings, VirtualNetwork, Zone, ZoneGroup
from purview_mpe._rules import own_network
from purview_mpe._rules.own_network import endpoint_step, make_own_plan, own_targets, plan_zone, zone_names
from purview_mpe._rules.own_status import judge_own
from purview_mpe._rules.own_zone_groups import records_to_read
from purview_mpe._rules.ownership import Listing
from purview_mpe.errors import AccessDenied, InvalidSpec, NotFound, UnsupportedSetup
from tests.support.nouns import (
    GROUP,
    OTHER_STORAGE,
    SUBNET,
    TARGETS,
    a_connection,
    a_network,
    a_spec,
    an_account,
    an_own_endpoint,
)

SHIR, STUDIO = "self-hosted-runtime", "studio"
ELSEWHERE = GROUP.replace("rg1", "rg-hub")
ZONE_NAME = "privatelink.purview.azure.com"
OURS = a_network().virtual_network_id
TENANT = {"catalog": "https://00000000-0000-0000-0000-000000000009-api.purview-service.microsoft.com/catalog"}


def a_zone(group: str = GROUP, *links: tuple[str, str], name: str = ZONE_NAME) -> Zone:
    """A zone with links."""
    return Zone(ArmId.parse(f"{group}/providers/Microsoft.Network/privateDnsZones/{name}"), links)


def around(**fields) -> Surroundings:
    """An empty network with these additions."""
    return Surroundings(VirtualNetwork("westeurope", has_subnet=True), **fields)


def groups(account, purpose, offered=()) -> list[str]:
    """The group ids of a purpose."""
    return [target.group_id for target in own_targets(account, purpose, offered)]


# --- which


@pytest.mark.parametrize(
    ("fields", "purpose", "offered", "expected"),
    [
        ({}, SHIR, (), ["account", "blob", "queue", "namespace"]),
        ({"firewall": "disabled-for-ingestion-only"}, SHIR, (), ["blob", "queue", "namespace"]),
        ({"firewall": None, "shape": None, "targets": TARGETS[:1]}, SHIR, (), ["account"]),
        ({}, STUDIO, (), ["account", "portal"]),
        ({"shape": "F", "targets": TARGETS[:1]}, STUDIO, (), ["account", "portal"]),
        ({"endpoints": TENANT}, STUDIO, (), ["account", "portal", "platform"]),
        ({"endpoints": TENANT}, SHIR, ("platform",), ["platform", "blob", "queue", "namespace"]),
        ({}, STUDIO, ("account",), ["account"]),
        ({}, STUDIO, ("other",), ["account", "portal"]),
        ({"endpoints": {"catalog": "https://pv1.purview.azure.com/catalog"}}, STUDIO, (), ["account", "portal"]),
    ],
)
def test_targets_of_a_purpose(fields, purpose, offered, expected):
    """The account only if it is closed; `platform` if its host shows it; only group ids that the account offers."""
    assert groups(an_account(**fields), purpose, offered) == expected


def test_unknown_ingestion_is_refused():
    """An account that is still being created shows no storage."""
    with pytest.raises(UnsupportedSetup):
        own_targets(an_account(shape="F", targets=TARGETS[:1]), SHIR)


@pytest.mark.parametrize(
    ("group", "known", "cloud", "expected"),
    [
        ("blob", {}, "public", ("privatelink.blob.core.windows.net",)),
        ("blob", {"blob": ("privatelink.blob.example",)}, "public", ("privatelink.blob.example",)),
        ("portal", {"portal": ()}, "us-government", ("privatelink.purviewstudio.azure.us",)),
        ("portal", {}, "china", ()),
        ("portal", {}, "mars", ()),
    ],
)
def test_zones_of_a_group_id(group, known, cloud, expected):
    """The zones that the target reports, or else the zones documented for the cloud."""
    assert zone_names(group, known, cloud) == expected


@pytest.mark.parametrize("location", [None, "westeurope", "West Europe", "WESTEUROPE"])
def test_region_is_compared_in_any_spelling(location):
    """Display names and letter case do not matter."""
    own_network.check_region(a_network(location=location), VirtualNetwork("westeurope", has_subnet=True))


def test_other_region_is_refused():
    """Azure accepts a private endpoint only in the region of its virtual network; an unknown region is not refused."""
    network = a_network(location="eastus")
    own_network.check_region(network, VirtualNetwork("", has_subnet=True))
    with pytest.raises(UnsupportedSetup, match="'eastus'"):
        own_network.check_region(network, VirtualNetwork("westeurope", has_subnet=True))


# --- zones


@pytest.mark.parametrize("dns", ["existing", "create"])
def test_linked_zone_is_kept(dns):
    """A zone linked to the network is used, in any resource group and beside any other zone."""
    linked = a_zone(ELSEWHERE, ("theirs", "x"), ("hub", str(OURS).upper().replace("/SUB", "/sub")))
    plan = plan_zone(a_network(dns=dns), ZONE_NAME, [a_zone(), a_zone(name="other.example"), linked])
    assert (plan.id, plan.link, plan.is_usable) == (linked.id, "hub", True)
    assert [step.action for step in plan.steps] == ["keep", "keep"]


@pytest.mark.parametrize("zones", [[], [a_zone()], [a_zone(ELSEWHERE)]])
def test_dns_existing_refuses_unlinked_zones(zones):
    """The step is a conflict, whether a zone of that name exists or not."""
    plan = plan_zone(a_network(dns="existing"), ZONE_NAME, zones)
    assert not plan.is_usable
    assert [step.action for step in plan.steps] == ["conflict"]
    assert all(step.remedy for step in plan.steps)


def test_dns_create_links_an_existing_zone_in_the_same_group():
    """Only the link is created, with a name that is free in the zone."""
    plan = plan_zone(a_network(), ZONE_NAME, [a_zone(GROUP, ("LINK-vnet-hub", "x"), ("link-vnet-hub-2", "y"))])
    assert plan.link == "link-vnet-hub-3"
    assert [step.action for step in plan.steps] == ["keep", "create"]


def test_dns_create_creates_zone_and_link():
    """Both are created, in the resource group for zones."""
    plan = plan_zone(a_network(zone_resource_group="rg-dns"), ZONE_NAME, [])
    assert plan.id.resource_group == "rg-dns"
    assert [step.action for step in plan.steps] == ["create", "create"]


def test_dns_create_does_not_duplicate_a_zone_in_another_group():
    """An unlinked zone in another group is a conflict, unless the network names the group for zones."""
    there = [a_zone(ELSEWHERE)]
    assert [step.action for step in plan_zone(a_network(), ZONE_NAME, there).steps] == ["conflict"]
    named = plan_zone(a_network(zone_resource_group="rg-hub"), ZONE_NAME, there)
    assert [step.action for step in named.steps] == ["keep", "create"]
    apart = plan_zone(a_network(zone_resource_group="rg-dns"), ZONE_NAME, there)
    assert [step.action for step in apart.steps] == ["create", "create"]


# --- endpoints


def step_for(*endpoints, **fields):
    """The step for the target `account`."""
    return endpoint_step(a_spec(**fields), a_network(), TARGETS[0], endpoints)


@pytest.mark.parametrize(
    ("endpoint", "action", "reason"),
    [
        (an_own_endpoint(), "keep", "It exists."),
        (an_own_endpoint("other"), "keep", "under the name 'other'"),
        (an_own_endpoint("other", group=ELSEWHERE), "keep", "under the name 'other'"),
        (an_own_endpoint(provisioning_state="Updating"), "keep", "is Updating"),
        (an_own_endpoint(provisioning_state=""), "keep", "in an unknown state"),
        (an_own_endpoint(provisioning_state="Failed"), "create", "is repeated"),
        (an_own_endpoint("other", provisioning_state="Failed"), "conflict", "is Failed"),
        (an_own_endpoint(connection_status="Rejected"), "conflict", "is Rejected"),
        (an_own_endpoint(group=ELSEWHERE, connection_status="Rejected"), "conflict", "nothing is changed"),
        (an_own_endpoint(provisioning_state="Deleting"), "create", "being deleted"),
        (an_own_endpoint("purview-account", "blob", provisioning_state="Deleting"), "create", "being deleted"),
        (an_own_endpoint("purview-account", "blob"), "conflict", "is taken"),
        (an_own_endpoint("purview-account", "blob", subnet="", resource_id=""), "conflict", "another target"),
        (an_own_endpoint(subnet=SUBNET + "2"), "conflict", "is taken"),
        (an_own_endpoint("purview-account", "blob", group=ELSEWHERE), "create", "No private endpoint"),
    ],
)
def test_step_for_an_existing_endpoint(endpoint, action, reason):
    """The identity is target, group id and subnet; a name is taken only in the network's resource group."""
    step = step_for(endpoint)
    assert (step.action, step.subject, step.group_id) == (action, "private-endpoint", "account")
    assert reason in step.reason
    assert bool(step.remedy) == (action == "conflict")


def test_healthy_endpoint_is_preferred_to_a_broken_one():
    """Azure allows several private endpoints to one target."""
    step = step_for(an_own_endpoint("broken", connection_status="Rejected"), an_own_endpoint("healthy"))
    assert (step.action, step.name) == ("keep", "healthy")


def test_replace_broken_replaces_under_the_same_name():
    """The new endpoint has the name of the broken one."""
    step = step_for(an_own_endpoint("other", connection_status="Disconnected"), replace_broken=True)
    assert (step.action, step.name) == ("replace", "other")


# --- the whole plan


def a_group(name: str, *zones: Zone, state: str = "Succeeded") -> ZoneGroup:
    """A zone group with records in these zones."""
    return ZoneGroup(name, state, tuple(str(zone.id) for zone in zones))


def a_plan(surroundings, *, account=None, purpose=STUDIO, cloud="public", **fields):
    """The plan for a network."""
    return make_own_plan(a_spec(), a_network(**fields), purpose, account or an_account(), surroundings, cloud=cloud)


def zone_groups(own) -> list[tuple[str, str]]:
    """Action and name of the zone groups."""
    return [(step.action, step.name) for step in own.plan.steps if step.subject == "dns-zone-group"]


def test_existing_zone_group_is_kept_under_any_name():
    """A missing zone group is created, but not for an endpoint in another resource group."""
    theirs = an_own_endpoint("theirs", group=ELSEWHERE)
    ours = an_own_endpoint("purview-portal", "portal")
    kept = {ours.id.key: (a_group("deployedByPolicy", linked()[1]),)}
    own = a_plan(around(endpoints=(theirs, ours), zones=linked(), zone_groups=kept))
    assert zone_groups(own) == [("keep", "deployedByPolicy")]
    assert [finding.code for finding in own.plan.warnings] == ["dns-zone-group-missing"]
    assert own.hides_names


@pytest.mark.parametrize(
    ("name", "state", "held", "action", "problem"),
    [
        ("purview-account", "Succeeded", (0,), "keep", None),
        ("deployedByPolicy", "Updating", (1, 0), "keep", None),
        ("purview-account", "Succeeded", (1,), "keep", f"does not write to the zone {GROUP}"),
        ("purview-account", "Succeeded", (), "keep", "does not write to the zone"),
        ("purview-account", "Failed", (0,), "create", None),
        ("Purview-Account", "Canceled", (0,), "create", None),
        ("deployedByPolicy", "Failed", (0,), "keep", "is Failed"),
        ("purview-account", "Failed", (1,), "keep", "is Failed"),
        ("purview-account", "Failed", (0, 1), "keep", "is Failed"),
    ],
)
def test_unusable_zone_group_is_reported(name, state, held, action, problem):
    """The plan keeps it; only a failed zone group with the planned name and zones is sent again unchanged."""
    one = an_own_endpoint()
    groups = {one.id.key: (a_group(name, *(linked()[number] for number in held), state=state),)}
    own = a_plan(around(endpoints=(one,), zones=linked(), zone_groups=groups))
    assert zone_groups(own)[0] == (action, name)
    found = [finding.message for finding in own.plan.warnings if finding.code == "dns-zone-group-unusable"]
    assert len(found) == (problem is not None)
    assert all(problem in message for message in found)
    assert own.hides_names == bool(found)


def test_failed_zone_group_in_another_group_is_not_sent_again():
    """The library writes only in the network's resource group."""
    one = an_own_endpoint(group=ELSEWHERE)
    groups = {one.id.key: (a_group("purview-account", linked()[0], state="Failed"),)}
    own = a_plan(around(endpoints=(one,), zones=linked(), zone_groups=groups))
    assert zone_groups(own) == [("keep", "purview-account"), ("create", "purview-portal")]


@pytest.mark.parametrize(
    ("fields", "spec", "action"),
    [
        ({"connection_status": "Rejected"}, {"replace_broken": True}, "create"),
        ({"provisioning_state": "Deleting"}, {}, "create"),
        ({"provisioning_state": "Failed"}, {}, "keep"),
    ],
)
def test_zone_group_is_replaced_with_its_private_endpoint(fields, spec, action):
    """A replacement endpoint gets a new zone group; a creation that is repeated keeps the existing one."""
    one = an_own_endpoint(**fields)
    groups = {one.id.key: (a_group("purview-account", linked()[0]),)}
    surroundings = around(endpoints=(one,), zones=linked(), zone_groups=groups)
    own = make_own_plan(a_spec(**spec), a_network(), STUDIO, an_account(), surroundings, cloud="public")
    assert zone_groups(own)[0] == (action, "purview-account")


@pytest.mark.parametrize(
    ("purpose", "groups", "fields", "names"),
    [
        (STUDIO, ("account", "portal", "blob"), {}, ("purview-account", "purview-blob", SHIR)),
        (SHIR, ("account", "portal"), {}, ("purview-account", "purview-portal", STUDIO)),
        (STUDIO, ("account", "portal"), {}, None),
        (STUDIO, ("portal", "blob"), {}, None),
        (STUDIO, ("account", "blob"), {"shape": "F"}, None),
        (STUDIO, ("account", "blob"), {"firewall": "disabled-for-ingestion-only"}, None),
    ],
)
def test_deletion_warns_about_endpoints_of_the_other_purpose(purpose, groups, fields, names):
    """The warning appears if the other purpose uses a shared endpoint and has endpoints of its own in the subnet."""
    standing = [an_own_endpoint(f"purview-{group}", group) for group in groups if group != "portal"]
    if "portal" in groups:
        standing.append(an_own_endpoint("purview-portal", "portal"))
    going = an_own_endpoint("purview-queue", "queue", provisioning_state="Deleting")
    found = own_network.shared_findings(an_account(**fields), purpose, a_network(), [*standing, going])
    assert [all(f"{name}" in one.message for name in names or ()) for one in found] == [True] * bool(names)


def test_dns_none_plans_only_endpoints():
    """With `none`, DNS is left to the customer."""
    own = a_plan(around(), dns="none")
    assert {step.subject for step in own.plan.steps} == {"private-endpoint"}
    assert not own.plan.warnings


def test_missing_zone_plans_no_zone_group():
    """The plan has a conflict, and the finding names the zone."""
    own = a_plan(around(), dns="existing")
    assert zone_groups(own) == []
    assert {finding.code for finding in own.plan.warnings} == {"dns-zone-missing"}
    assert {finding.remedy for finding in own.plan.warnings} == {step.remedy for step in own.plan.conflicts}


def test_undocumented_zone_is_reported():
    """In China, no zone is documented for the portal."""
    own = a_plan(around(), cloud="china")
    assert [finding.code for finding in own.plan.warnings] == ["dns-zone-unknown"]
    assert zone_groups(own) == [("create", "purview-account")]


def test_unreadable_lists_are_reported():
    """Zones and endpoints that could not be read may exist."""
    own = a_plan(around(hidden_zones=("no",), hidden_endpoints=("no",)))
    assert {finding.code for finding in own.plan.warnings} == {"dns-zones-unreadable", "private-endpoints-unreadable"}


def test_open_account_is_reported_only_for_runtimes():
    """With an open account, lineage needs no private endpoint."""
    account = an_account(firewall="enabled-from-all-networks")
    assert [f.code for f in a_plan(around(), account=account, purpose=SHIR).plan.warnings] == ["firewall-open"]
    assert not a_plan(around(), account=account).plan.warnings


def test_invalid_derived_name_is_refused():
    """A base name can be valid for managed endpoints and invalid for the customer's private endpoints."""
    with pytest.raises(InvalidSpec, match="_purview-account"):
        make_own_plan(a_spec(name="_purview"), a_network(), STUDIO, an_account(), around(), cloud="public")


def test_deleting_endpoint_occupies_the_name():
    """Only in the network's resource group, and only while Azure deletes it."""
    leaving = an_own_endpoint(provisioning_state="Deleting")
    step = step_for(leaving)
    assert own_network.is_deleting_for(a_network(), step, around(endpoints=(leaving,))) is leaving
    assert own_network.is_deleting_for(a_network(), step, around(endpoints=(an_own_endpoint(),))) is None


# --- status


def a_status(surroundings, listings, **fields):
    """The status of the private endpoints in the customer's network."""
    own = a_plan(surroundings, **fields)
    shown = {target.identity: listings.get(target.group_id, Listing()) for target in own.targets}
    return judge_own(own, a_network(**fields), surroundings, shown)


def linked() -> tuple[Zone, ...]:
    """Both zones of Studio, linked to the network."""
    names = (ZONE_NAME, "privatelink.purviewstudio.azure.com")
    return tuple(a_zone(GROUP, ("l", str(OURS)), name=name) for name in names)


def approved(*endpoints) -> Listing:
    """The list of a target with approved connections."""
    return Listing(tuple(a_connection(one.endpoint.id, "Approved") for one in endpoints))


def test_ready_needs_approval_on_both_sides_and_dns():
    """Without a zone group in the right zone, the endpoint's name does not resolve, and the status is not ready."""
    one, two = an_own_endpoint(), an_own_endpoint("purview-portal", "portal")
    listings = {"account": approved(one, two), "portal": approved(one, two)}
    held = {found.id.key: (a_group("default", zone),) for found, zone in zip((one, two), linked(), strict=True)}
    status = a_status(around(endpoints=(one, two), zones=linked(), zone_groups=held), listings)
    assert status.ready
    lacking = a_status(around(endpoints=(one, two), zones=linked(), zone_groups={}), listings)
    assert not lacking.ready
    assert [finding.code for finding in lacking.findings] == ["dns-zone-group-missing"] * 2
    foreign = {**held, one.id.key: (a_group("default", linked()[1]),)}
    hidden = a_status(around(endpoints=(one, two), zones=linked(), zone_groups=foreign), listings)
    assert not hidden.ready
    assert [finding.code for finding in hidden.findings] == ["dns-zone-group-unusable"]
    assert a_status(around(endpoints=(one, two)), listings, dns="none").ready


def test_missing_endpoint_and_unreadable_target():
    """A missing endpoint has the name that it would get; an unreadable target leaves the endpoint's side only."""
    one = an_own_endpoint()
    hidden = Listing(error=AccessDenied("no", remedy="Ask.", status=403))
    status = a_status(around(endpoints=(one,)), {"account": hidden}, dns="none")
    assert [(shown.name, shown.verdict, shown.target_status) for shown in status.endpoints] == [
        ("purview-account", "ready", None),
        ("purview-portal", "missing", None),
    ]
    gone = Listing(error=NotFound("no", remedy="Look.", status=404))
    status = a_status(around(endpoints=(one,)), {"account": gone}, dns="none")
    assert status.endpoints[0].verdict == "stale"
    assert "The private endpoint says Approved" in status.endpoints[0].reason


def test_connection_absent_at_the_target_is_stale():
    """The target's list decides, even if the endpoint says Approved."""
    status = a_status(around(endpoints=(an_own_endpoint(),)), {"account": Listing()}, dns="none")
    assert status.endpoints[0].verdict == "stale"


def test_zone_groups_of_missing_endpoints_are_not_reported():
    """The verdict `missing` already covers them."""
    status = a_status(around(zones=linked()), {})
    assert {finding.code for finding in status.findings} == set()


def test_ingestion_targets_keep_their_list():
    """The target still says which list shows its connections."""
    blob = Target(group_id="blob", resource_id=OTHER_STORAGE, connections="ingestion")
    account = an_account(shape="C", targets=(TARGETS[0], blob))
    assert own_targets(account, SHIR)[1] == blob


# --- records in shared zones

ADDRESS = "10.0.0.4"


def a_written(*addresses: str, zone: int = 0, name: str = "pv1") -> Record:
    """A record in one of the linked zones."""
    return Record(str(linked()[zone].id), name, addresses)


def with_records(*now: Record) -> Surroundings:
    """The private endpoint of the account with its zone group, and the records as the zones hold them."""
    one = an_own_endpoint()
    group = ZoneGroup("default", "Succeeded", (str(linked()[0].id),), (a_written(ADDRESS),))
    return around(
        endpoints=(one,),
        zones=linked(),
        zone_groups={one.id.key: (group,)},
        records={record.key: record for record in now},
    )


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ((a_written("10.0.0.9"),), "holds 10.0.0.9 for 'pv1', but"),
        ((a_written(),), "holds no address for 'pv1', but"),
        ((a_written("10.0.0.8", "10.0.0.9", name="PV1"),), "holds 10.0.0.8 and 10.0.0.9 for"),
        ((a_written(ADDRESS, "10.0.0.9"),), None),
        ((a_written(ADDRESS),), None),
        ((), None),
    ],
)
def test_a_record_that_another_endpoint_replaced_is_said(now, said):
    """Names do not resolve to the private endpoint then; a record that could not be read is not taken for that."""
    own = a_plan(with_records(*now))
    found = [finding.message for finding in own.plan.warnings if finding.code == "dns-record-replaced"]
    assert [said in message for message in found] == [True] * (said is not None)
    assert own.hides_names == (said is not None)
    assert zone_groups(own)[0] == ("keep", "default")


@pytest.mark.parametrize(("now", "count"), [(("10.0.0.9",), 0), ((), 1)])
def test_the_record_of_the_portal_can_be_of_another_account(now, count):
    """Its host is the same for all accounts of a tenant, so only a missing record is said."""
    one = an_own_endpoint("purview-portal", "portal")
    record = a_written(ADDRESS, zone=1, name="web")
    group = ZoneGroup("default", "Succeeded", (record.zone,), (record,))
    held = replace(record, addresses=now)
    own = a_plan(around(endpoints=(one,), zones=linked(), zone_groups={one.id.key: (group,)}, records={held.key: held}))
    assert [finding.code for finding in own.plan.warnings] == ["dns-record-replaced"] * count


def test_a_record_in_a_zone_of_another_network_does_not_matter():
    """The zone group is said to be unusable, and nothing else."""
    one = an_own_endpoint()
    elsewhere = str(a_zone(ELSEWHERE).id)
    record = Record(elsewhere, "pv1", (ADDRESS,))
    group = ZoneGroup("default", "Succeeded", (str(linked()[0].id), elsewhere), (record,))
    now = Record(elsewhere, "pv1", ("10.0.0.9",))
    own = a_plan(around(endpoints=(one,), zones=linked(), zone_groups={one.id.key: (group,)}, records={now.key: now}))
    assert [finding.code for finding in own.plan.warnings] == []


@pytest.mark.parametrize(
    ("endpoints", "now", "count"),
    [
        ((), (a_written("10.0.0.9"),), 1),
        ((), (a_written(),), 0),
        ((), (), 0),
        ((), (a_written("10.0.0.9", zone=1),), 0),
        ((an_own_endpoint(),), (a_written("10.0.0.9"),), 0),
        ((an_own_endpoint(provisioning_state="Deleting"),), (a_written("10.0.0.9"),), 0),
    ],
)
def test_a_record_that_a_new_endpoint_replaces_is_said(endpoints, now, count):
    """Only for a new private endpoint: the record of one that exists, or that is being deleted, can be its own."""
    own = a_plan(around(endpoints=endpoints, zones=linked(), records={record.key: record for record in now}))
    found = [finding for finding in own.plan.warnings if finding.code == "dns-record-taken"]
    assert len(found) == count
    assert all("already holds 10.0.0.9 for 'pv1'" in finding.message for finding in found)
    assert not own.hides_names


def test_the_records_to_read():
    """Those that zone groups wrote into zones of the network, and those that new ones write; each once."""
    targets = own_targets(an_account(), STUDIO)
    names = {"account": (ZONE_NAME,), "portal": (linked()[1].name,)}
    elsewhere = Record(str(a_zone(ELSEWHERE).id), "pv1", (ADDRESS,))
    web = a_written(ADDRESS, zone=1, name="web")
    group = ZoneGroup("default", records=(a_written(ADDRESS, name="PV1"), elsewhere, web))
    found = records_to_read([group], targets, linked(), names)
    assert [record.key for record in found] == [a_written().key, web.key]
    assert records_to_read([], targets, linked(), {}) == []


@pytest.mark.parametrize(
    ("held", "group", "said"),
    [
        ((), GROUP, "because its zone group 'theirs' does not write to it"),
        ((1,), GROUP, "because its zone group 'theirs' does not write to it"),
        ((0,), GROUP, None),
        (None, GROUP, None),
        (None, ELSEWHERE, "because it has no zone group"),
    ],
)
def test_a_zone_that_would_hide_a_name_is_not_linked(held, group, said):
    """An existing private endpoint without a record in it: one gets a zone group only in the network's group."""
    one = an_own_endpoint(group=group)
    found = tuple(replace(zone, links=()) for zone in linked())
    groups = {} if held is None else {one.id.key: (a_group("theirs", *(found[number] for number in held)),)}
    own = a_plan(around(endpoints=(one,), zones=found, zone_groups=groups), dns="create")
    reasons = [step.reason for step in own.plan.conflicts]
    assert [said in reason for reason in reasons] == [True] * (said is not None)
    assert ("dns-zone-missing" in {finding.code for finding in own.plan.warnings}) == (said is not None)
    links = [step.action for step in own.plan.steps if step.subject == "dns-link"]
    assert links == ["create"] * (1 if said else 2)


def test_a_zone_that_is_linked_hides_nothing_more():
    """Its link is kept, and the zone group is said to be unusable."""
    one = an_own_endpoint()
    own = a_plan(around(endpoints=(one,), zones=linked(), zone_groups={one.id.key: (a_group("theirs"),)}), dns="create")
    assert not own.plan.conflicts
    assert own.hides_names
