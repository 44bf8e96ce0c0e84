"""Private DNS: the zones of a target, zone groups, zones with their links, and name resolution inside a network."""

from __future__ import annotations

from typing import Any

import pytest

from purview_mpe.emulator import Answers, Fault
from tests.support.network_lab import ACCOUNT_ZONE, DNS, NETWORK, NEWER, PURVIEW, Lab, code_of, error_of

# --- the groups and zones of a target


def test_groups_of_an_account_and_its_zones(lab):
    """A classic account names `account` and `portal`, each with its zone."""
    listed = lab.get(f"{lab.emulator.account}/privateLinkResources", PURVIEW).json()["value"]
    assert {one["name"]: one["properties"]["requiredZoneNames"] for one in listed} == {
        "account": [ACCOUNT_ZONE],
        "portal": ["privatelink.purviewstudio.azure.com"],
    }


@pytest.mark.parametrize(
    ("answers", "tenant_level", "groups"),
    [
        ({}, True, ["account", "portal", "platform"]),
        ({"classic_host": "gone"}, True, ["platform"]),
        ({"platform_group": "every-account"}, False, ["account", "portal", "platform"]),
    ],
)
def test_platform_group_depends_on_the_host(make_lab, answers, tenant_level, groups):
    """A tenant-level account has `platform`, and no other group if its own host is gone."""
    lab = make_lab(answers=Answers(**answers))
    account = lab.emulator.add_account("pv-two", tenant_level=tenant_level)
    listed = lab.get(f"{account}/privateLinkResources", PURVIEW).json()["value"]
    assert [one["name"] for one in listed] == groups
    assert listed[-1]["properties"]["requiredZoneNames"] == ["privatelink.purview-service.microsoft.com"]


def test_zones_of_sovereign_clouds(make_lab):
    """US Government has its own zones."""
    lab = make_lab(cloud="us-government")
    zones = {
        zone
        for target in {lab.emulator.account, *lab.emulator.targets(lab.emulator.account).values()}
        for one in lab.get(
            f"{target}/privateLinkResources", "2024-01-01" if "Purview" not in str(target) else PURVIEW
        ).json()["value"]
        for zone in one["properties"]["requiredZoneNames"]
    }
    assert {
        "privatelink.purview.azure.us",
        "privatelink.purviewstudio.azure.us",
        "privatelink.blob.core.usgovcloudapi.net",
        "privatelink.servicebus.usgovcloudapi.net",
    } <= zones


@pytest.mark.parametrize(
    ("shape", "group", "answers", "host"),
    [
        ("A", "account", {}, "pv1.purview.azure.com"),
        ("A", "portal", {}, "web.purview.azure.com"),
        ("A", "platform", {}, "{tenant}-api.purview-service.microsoft.com"),
        ("A", "blob", {}, "{name}.blob.core.windows.net"),
        ("A", "blob_secondary", {}, "{name}-secondary.blob.core.windows.net"),
        ("A", "namespace", {}, "{name}.servicebus.windows.net"),
        ("C", "queue", {"ingestion_host": "core"}, "{name}.queue.core.windows.net"),
    ],
)
def test_host_of_each_group_resolves_inside_the_network(make_lab, shape, group, answers, host):
    """The endpoint shows the host; with a zone group in the right zone it resolves to the endpoint's address."""
    lab = make_lab(shape=shape, answers=Answers(**answers))
    targets = {**lab.emulator.targets(lab.emulator.account), "platform": lab.emulator.account}
    target = targets.get(group.partition("_")[0], lab.emulator.account)
    shown = lab.made("pe-1", target, group, manual=True)
    [config] = shown["properties"]["customDnsConfigs"]
    assert config["fqdn"] == host.format(name=target.name.lower(), tenant=lab.emulator.tenant)
    zone = "privatelink." + config["fqdn"].partition(".")[2]
    if group == "portal":
        zone = "privatelink.purviewstudio.azure.com"
    resolves_inside(lab, config, zone)


def resolves_inside(lab: Lab, config: dict[str, Any], zone_name: str) -> None:
    """Assert that a name is public, then hidden by an empty zone, and private once the zone group is written."""
    seen = [lab.emulator.networks.resolve(lab.network, config["fqdn"])]
    zone = lab.emulator.networks.add_private_dns_zone(zone_name, linked_to=[lab.network])
    seen.append(lab.emulator.networks.resolve(lab.network, config["fqdn"]))
    assert lab.end(lab.put_group("pe-1", zone)) == {"status": "Succeeded"}
    seen.append(lab.emulator.networks.resolve(lab.network, config["fqdn"]))
    assert seen == ["public", None, *config["ipAddresses"]]


def test_ingestion_storage_has_a_zone_below_storage_azure_net(make_lab):
    """Its host is in a numbered zone, and its record contains the number."""
    lab = make_lab(shape="C")
    blob = lab.emulator.targets(lab.emulator.account)["blob"]
    shown = lab.made("pe-1", blob, "queue", manual=True)
    [config] = shown["properties"]["customDnsConfigs"]
    account = lab.get(lab.emulator.account, NEWER).json()
    blob_host = account["properties"]["ingestionStorage"]["primaryEndpoint"].removeprefix("https://").rstrip("/")
    assert blob_host.endswith(".blob.storage.azure.net")
    assert config["fqdn"] == blob_host.replace(".blob.", ".queue.")
    resolves_inside(lab, config, "privatelink.queue.storage.azure.net")


def test_zone_with_another_name_gets_the_first_label(lab):
    """A zone group writes into any zone that it names."""
    zone = lab.emulator.networks.add_private_dns_zone("corp.example")
    lab.made("pe-1", lab.emulator.account, "account")
    lab.end(lab.put_group("pe-1", zone))
    assert lab.emulator.networks.private_dns_zones()[0].records == {"pv1": "10.0.0.4"}


# --- zone groups


def test_zone_group_as_recorded(lab):
    """201 with an operation; afterwards it shows its records, and the endpoint shows no DNS configuration."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    lab.made("pe-1", lab.emulator.account, "account")
    answer = lab.put_group("pe-1", zone)
    assert answer.status_code == 201
    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert lab.end(answer) == {"status": "Succeeded"}
    [shown] = lab.get(f"{lab.endpoint('pe-1')}/privateDnsZoneGroups").json()["value"]
    assert shown == lab.get(shown["id"]).json()
    [config] = shown["properties"]["privateDnsZoneConfigs"]
    [record] = config["properties"]["recordSets"]
    assert (record["recordSetName"], record["ipAddresses"]) == ("pv1", ["10.0.0.4"])
    assert lab.get(lab.endpoint("pe-1")).json()["properties"]["customDnsConfigs"] == []
    assert lab.get(shown["id"] + "x").status_code == 404


def test_endpoint_has_one_zone_group(lab):
    """A second one is refused; the same one again answers 200; deleting it removes its record."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    lab.made("pe-1", lab.emulator.account, "account")
    lab.end(lab.put_group("pe-1", zone))
    assert lab.put_group("pe-1", zone, name="second").status_code == 400
    again = lab.put_group("pe-1", zone)
    assert again.status_code == 200
    assert lab.end(again) == {"status": "Succeeded"}
    path = f"{lab.endpoint('pe-1')}/privateDnsZoneGroups/default"
    deletion = lab.arm.send("DELETE", path, version=NETWORK)
    assert deletion.status_code == 202
    assert lab.get(path).json()["properties"]["provisioningState"] == "Deleting"
    assert lab.end(deletion) == {"status": "Succeeded"}
    assert lab.get(path).status_code == 404
    assert lab.emulator.networks.private_dns_zones()[0].records == {}
    assert lab.arm.send("DELETE", path, version=NETWORK).status_code == 204


def test_one_endpoint_has_one_operation_at_a_time(lab):
    """While a zone group is written, endpoint and group can be neither changed nor deleted."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    path = f"{lab.endpoint('pe-1')}/privateDnsZoneGroups/default"
    lab.put("pe-1", lab.emulator.account, "account")
    assert lab.put_group("pe-1", zone).status_code == 429
    lab.emulator.clock.sleep(50)
    lab.put_group("pe-1", zone)
    for refused in (
        lab.put_group("pe-1", zone),
        lab.put("pe-1", lab.emulator.account, "account"),
        lab.arm.send("DELETE", path, version=NETWORK),
        lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK),
    ):
        assert (refused.status_code, code_of(refused)) == (429, "AnotherOperationInProgress")
    lab.emulator.clock.sleep(15)
    assert lab.arm.send("DELETE", lab.endpoint("pe-1"), version=NETWORK).status_code == 202


def test_zone_group_can_fail(lab):
    """A fault fails the operation, and the same PUT tries again. A failed endpoint accepts no zone group."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    lab.made("pe-1", lab.emulator.account, "account")
    lab.emulator.inject(Fault.failed_provisioning(code="RetryableError", path="privateDnsZoneGroups"))
    assert error_of(lab.end(lab.put_group("pe-1", zone))) == "RetryableError"
    [shown] = lab.get(f"{lab.endpoint('pe-1')}/privateDnsZoneGroups").json()["value"]
    assert shown["properties"]["provisioningState"] == "Failed"
    assert lab.end(lab.put_group("pe-1", zone)) == {"status": "Succeeded"}
    lab.emulator.inject(Fault.failed_provisioning())
    lab.end(lab.put("pe-2", lab.emulator.account, "portal"))
    assert lab.put_group("pe-2", zone).status_code == 400


def test_invalid_zone_groups_are_refused(lab):
    """No zone or more than five, a missing zone, a configuration without name or id."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    lab.made("pe-1", lab.emulator.account, "account")
    assert lab.put_group("pe-1").status_code == 400
    assert lab.put_group("pe-1", *[zone] * 6).status_code == 400
    assert code_of(lab.put_group("pe-1", f"{zone}x")) == "InvalidResourceReference"
    path = f"{lab.endpoint('pe-1')}/privateDnsZoneGroups/default"
    for config in ({"name": "a"}, {"properties": {"privateDnsZoneId": str(zone)}}, 7):
        answer = lab.arm.put(path, {"properties": {"privateDnsZoneConfigs": [config]}}, version=NETWORK)
        assert answer.status_code == 400
    assert lab.put_group("absent", zone).status_code == 404


def test_policy_writes_zone_groups(lab):
    """A company's policy adds its group after the given seconds, unless the endpoint has one by then."""
    networks = lab.emulator.networks
    zone = networks.add_private_dns_zone(ACCOUNT_ZONE, linked_to=[lab.network])
    networks.add_zone_policy("account", zone, after=30)
    lab.made("pe-1", lab.emulator.account, "account")
    lab.emulator.clock.sleep(29)
    assert networks.private_endpoints()[0].zone_groups == ()
    lab.emulator.clock.sleep(1)
    assert networks.private_endpoints()[0].zone_groups == ("deployedByPolicy",)
    assert lab.put_group("pe-1", zone).status_code == 429
    lab.emulator.clock.sleep(15)
    assert networks.resolve(lab.network, "pv1.purview.azure.com") == "10.0.0.4"
    assert lab.put_group("pe-1", zone).status_code == 400
    lab.made("pe-2", lab.emulator.account, "portal")
    lab.made("pe-3", lab.emulator.account, "account")
    lab.end(lab.put_group("pe-3", zone))
    assert [view.zone_groups for view in networks.private_endpoints()] == [("deployedByPolicy",), (), ("default",)]


# --- zones and links


def test_zone_as_recorded(lab):
    """202 with an empty object and two addresses; the status address answers 202 until the operation has ended."""
    answer = lab.arm.put(lab.zone(), {"location": "global"}, version=DNS)
    assert (answer.status_code, answer.json()) == (202, {})
    addresses = [answer.headers["Azure-AsyncOperation"], answer.headers["Location"]]
    seen = []
    for _ in range(2):
        answers = [lab.arm.send("GET", address, version=None) for address in addresses]
        seen.append([(one.status_code, one.json()) for one in answers])
        lab.emulator.clock.sleep(15)
    assert seen == [
        [(202, {"status": "InProgress"}), (202, {})],
        [(200, {"status": "Succeeded"}), (200, {})],
    ]
    shown = lab.get(lab.zone(), DNS).json()
    assert (shown["name"], shown["location"]) == (ACCOUNT_ZONE, "global")
    assert shown["properties"]["maxNumberOfRecordSets"] == 25_000
    assert shown["properties"]["maxNumberOfVirtualNetworkLinks"] == 1_000


def test_zone_exists_at_the_end_of_its_operation(lab):
    """It is 404 before; a PUT of an existing zone changes its tags."""
    lab.arm.put(lab.zone(), {"location": "global"}, version=DNS)
    assert lab.get(lab.zone(), DNS).status_code == 404
    assert code_of(lab.link(lab.zone())) == "ParentResourceNotFound"
    lab.emulator.clock.sleep(15)
    etag = lab.get(lab.zone(), DNS).json()["etag"]
    lab.end(lab.arm.put(lab.zone(), {"location": "global", "tags": {"a": "b"}}, version=DNS))
    shown = lab.get(lab.zone(), DNS).json()
    assert (shown["etag"], shown["tags"]) == (etag, {"a": "b"})


def test_conditions_of_a_zone(lab):
    """`If-None-Match: *` only creates; `If-Match` needs the current tag."""
    create_only = {"If_None_Match": "*"}
    first = lab.arm.put(lab.zone(), {"location": "global"}, version=DNS, **create_only)
    assert lab.end(first) == {"status": "Succeeded"}
    assert lab.arm.put(lab.zone(), {"location": "global"}, version=DNS, **create_only).status_code == 412
    etag = lab.get(lab.zone(), DNS).json()["etag"]
    for tag, status in (("other", 412), (etag, 202)):
        assert lab.arm.put(lab.zone(), {"location": "global"}, version=DNS, If_Match=tag).status_code == status
        assert lab.arm.send("DELETE", lab.zone(), version=DNS, If_Match=tag).status_code == status


def test_link_and_its_policy(lab):
    """A link shows its network and policy; zone and lists count it."""
    zone = str(lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE))
    assert lab.end(lab.link(zone, resolutionPolicy="NxDomainRedirect")) == {"status": "Succeeded"}
    [shown] = lab.get(f"{zone}/virtualNetworkLinks", DNS).json()["value"]
    assert shown == lab.get(f"{zone}/virtualNetworkLinks/hub", DNS).json()
    assert shown["properties"]["virtualNetwork"] == {"id": str(lab.network)}
    assert shown["properties"]["virtualNetworkLinkState"] == "Completed"
    assert lab.get(zone, DNS).json()["properties"]["numberOfVirtualNetworkLinks"] == 1
    # With this policy, names that the zone does not have resolve publicly.
    assert lab.emulator.networks.resolve(lab.network, "other.purview.azure.com") == "public"
    assert lab.get(f"{zone}/virtualNetworkLinks/absent", DNS).status_code == 404


def test_network_accepts_one_zone_of_a_name(lab):
    """A second zone of the name in another resource group cannot be linked, even at the same time."""
    networks = lab.emulator.networks
    first = str(networks.add_private_dns_zone(ACCOUNT_ZONE))
    second = str(networks.add_private_dns_zone(ACCOUNT_ZONE, resource_group="rg-other"))
    racing = [lab.link(first), lab.link(second)]
    assert [answer.status_code for answer in racing] == [202, 202]
    lab.emulator.clock.sleep(15)
    assert lab.status(racing[0]) == {"status": "Succeeded"}
    assert error_of(lab.status(racing[1])) == "BadRequest"
    refused = lab.link(second)
    assert refused.status_code == 400
    assert "overlapping namespaces" in refused.json()["error"]["message"]
    etag = lab.get(f"{first}/virtualNetworkLinks/hub", DNS).json()["etag"]
    assert lab.end(lab.link(first, resolutionPolicy="NxDomainRedirect")) == {"status": "Succeeded"}
    changed = lab.get(f"{first}/virtualNetworkLinks/hub", DNS).json()
    assert (changed["etag"] == etag, changed["properties"]["resolutionPolicy"]) == (False, "NxDomainRedirect")
    spoke = networks.add_virtual_network("vnet-spoke")
    assert lab.end(lab.link(second, network=spoke)) == {"status": "Succeeded"}


def test_invalid_links_are_refused(lab):
    """A missing network, a wrong policy or flag, a wrong location, another network under the same name."""
    zone = str(lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE))
    assert code_of(lab.link(zone, network=f"{lab.network}x")) == "InvalidResourceReference"
    assert lab.link(zone, network="nonsense").status_code == 400
    assert lab.link(zone, resolutionPolicy="Perhaps").status_code == 400
    assert lab.link(zone, registrationEnabled="yes").status_code == 400
    assert lab.arm.put(f"{zone}/virtualNetworkLinks/hub", {"location": "westeurope"}, version=DNS).status_code == 400
    lab.end(lab.link(zone))
    assert lab.link(zone, network=lab.emulator.networks.add_virtual_network("vnet-spoke")).status_code == 400


@pytest.mark.parametrize(
    ("name", "body"), [("single", {"location": "global"}), (ACCOUNT_ZONE, {"location": "westeurope"})]
)
def test_invalid_zones_are_refused(lab, name, body):
    """A zone has two labels or more, and the location `global`."""
    assert lab.arm.put(lab.zone(name), body, version=DNS).status_code == 400


def test_zone_with_links_cannot_be_deleted(lab):
    """409 until its links are deleted; then 202, and 204 once it is gone."""
    zone = str(lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE, linked_to=[lab.network]))
    link = f"{zone}/virtualNetworkLinks/vnet-hub"
    assert code_of(lab.arm.send("DELETE", zone, version=DNS)) == "CannotDeleteResource"
    for path in (link, zone):
        assert lab.arm.send("DELETE", path, version=DNS).status_code == 202
        lab.emulator.clock.sleep(15)
        assert lab.get(path, DNS).status_code == 404
        assert lab.arm.send("DELETE", path, version=DNS).status_code == 204


def test_zone_and_link_can_fail_inside_their_operations(lab):
    """The fault sets the code; nothing is created."""
    lab.emulator.inject(Fault.failed_provisioning(code="Throttled", times=2))
    assert error_of(lab.end(lab.arm.put(lab.zone(), {"location": "global"}, version=DNS))) == "Throttled"
    assert lab.emulator.networks.private_dns_zones() == []
    zone = str(lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE))
    assert error_of(lab.end(lab.link(zone))) == "Throttled"
    assert lab.emulator.networks.private_dns_zones()[0].linked_to == ()


def test_link_to_a_removed_zone_is_not_created(lab):
    """A zone removed while its link is created does not come back."""
    zone = lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE)
    answer = lab.link(str(zone))
    lab.emulator.remove(zone)
    lab.end(answer)
    assert lab.emulator.networks.private_dns_zones() == []
    assert lab.emulator.networks.resolve(lab.network, "pv1.purview.azure.com") == "public"


def test_records_of_a_zone(lab):
    """Address records are listed, and can be read one by one; the list of all records begins with the zone's SOA."""
    zone = str(lab.emulator.networks.add_private_dns_zone(ACCOUNT_ZONE, records={"other": "10.1.0.9"}))
    [record] = lab.get(f"{zone}/A", DNS).json()["value"]
    assert (record["name"], record["properties"]["aRecords"]) == ("other", [{"ipv4Address": "10.1.0.9"}])
    assert lab.get(f"{zone}/A/other", DNS).json() == record
    assert lab.get(f"{zone}/A/absent", DNS).status_code == 404
    assert [one["name"] for one in lab.get(f"{zone}/ALL", DNS).json()["value"]] == ["@", "other"]
    assert lab.get(f"{zone}x/A", DNS).status_code == 404


def test_record_of_another_endpoint_stays(lab):
    """Two endpoints to one target share a record; deleting the older one leaves the newer one's address."""
    networks = lab.emulator.networks
    zone = networks.add_private_dns_zone(ACCOUNT_ZONE)
    older, newer = (
        networks.add_private_endpoint(name, lab.subnet, lab.emulator.account, "account") for name in ("pe-1", "pe-2")
    )
    networks.add_zone_group(older, zone)
    networks.add_zone_group(newer, zone)
    lab.emulator.remove(older)
    assert networks.private_dns_zones()[0].records == {"pv1": "10.0.0.5"}
    lab.emulator.remove(zone)
    lab.emulator.remove(newer)
    assert networks.private_endpoints() == []
