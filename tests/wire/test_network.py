"""Microsoft.Network's JSON, with any content."""

from __future__ import annotations

import pytest
from hypothesis import given

from purview_mpe._model.results import Step
from purview_mpe._model.surroundings import PrivateEndpoint, Record, ZoneGroup
from purview_mpe._wire import network as wire
from tests.support.nouns import ACCOUNT, GROUP, a_network, an_own_endpoint, json_values

PE = f"{GROUP}/providers/Microsoft.Network/privateEndpoints/purview-account"
ZONE = f"{GROUP}/providers/Microsoft.Network/privateDnsZones/privatelink.purview.azure.com"


def a_body(**properties) -> dict:
    """A private endpoint as Azure shows it."""
    connection = {
        "name": "c",
        "properties": {
            "privateLinkServiceId": ACCOUNT,
            "groupIds": ["account"],
            "privateLinkServiceConnectionState": {"status": "Approved"},
        },
    }
    shown = {"provisioningState": "Succeeded", "subnet": {"id": a_network().subnet}}
    return {
        "id": PE,
        "name": "purview-account",
        "properties": {**shown, "privateLinkServiceConnections": [connection], **properties},
    }


def test_private_endpoint_is_read():
    """The connection is in one of two lists, automatic or manual."""
    found = wire.read_private_endpoint(a_body())
    assert found == PrivateEndpoint(an_own_endpoint().endpoint, a_network().subnet)
    manual = a_body()
    manual["properties"]["manualPrivateLinkServiceConnections"] = manual["properties"].pop(
        "privateLinkServiceConnections"
    )
    assert wire.read_private_endpoint(manual).is_manual


@pytest.mark.parametrize(
    "body",
    [
        {},
        {**a_body(), "id": ""},
        {"id": PE, "properties": {}},
        a_body(privateLinkServiceConnections=[]),
        a_body(manualPrivateLinkServiceConnections=[{"properties": {"groupIds": ["blob"]}}]),
        a_body(privateLinkServiceConnections=[{"properties": {"groupIds": []}}]),
        a_body(privateLinkServiceConnections=[{"properties": {"groupIds": ["blob", "queue"]}}]),
    ],
)
def test_private_endpoint_without_exactly_one_target_is_ignored(body):
    """Items without an id, or with several connections or group ids, are dropped."""
    assert wire.read_private_endpoint(body) is None


def test_virtual_network_and_groups_of_its_endpoints_are_read():
    """Only the subnet of the given network counts, in any letter case."""
    subnets = [
        {
            "name": "SNET-PE",
            "properties": {"privateEndpoints": [{"id": PE}, {"id": ""}, {"id": PE.upper().replace("/SUB", "/sub")}]},
        },
        {"name": "other", "properties": {"privateEndpoints": [{"id": PE.replace("rg1", "rg2")}]}},
    ]
    found = wire.read_virtual_network({"location": "westeurope", "properties": {"subnets": subnets}}, a_network())
    assert (found.location, found.has_subnet, [str(group) for group in found.groups]) == ("westeurope", True, [GROUP])
    assert not wire.read_virtual_network({}, a_network()).has_subnet


@pytest.mark.parametrize("message", [None, "m" * 200])
def test_body_of_a_private_endpoint(message):
    """With a message, the connection is manual, in that list only; the message is cut at Azure's limit."""
    step = Step(
        action="create", subject="private-endpoint", name="p" * 80, group_id="blob", resource_id=ACCOUNT, reason="r"
    )
    properties = wire.private_endpoint_body(step, a_network(), location="westeurope", message=message)["properties"]
    lists = {"privateLinkServiceConnections", "manualPrivateLinkServiceConnections"} & set(properties)
    assert lists == {"privateLinkServiceConnections" if message is None else "manualPrivateLinkServiceConnections"}
    [connection] = properties[lists.pop()]
    assert len(connection["properties"].get("requestMessage", "")) == (0 if message is None else 140)
    assert len(properties["customNetworkInterfaceName"]) == 80


def test_bodies_of_dns():
    """A zone is global, a link has no registration, and a zone group names its zones."""
    assert wire.zone_body() == {"location": "global"}
    link = wire.link_body(a_network().virtual_network_id)
    assert link["properties"] == {
        "registrationEnabled": False,
        "virtualNetwork": {"id": str(a_network().virtual_network_id)},
    }
    [config] = wire.zone_group_body([ZONE])["properties"]["privateDnsZoneConfigs"]
    assert config == {"name": "privatelink-purview-azure-com", "properties": {"privateDnsZoneId": ZONE}}


def test_zones_links_and_zone_groups_are_read():
    """Items without a name or of another type are dropped."""
    assert str(wire.read_zone_id({"id": ZONE})) == ZONE
    assert wire.read_zone_id({"id": PE}) is None
    assert wire.read_zone_id({}) is None
    network = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/v"
    assert wire.read_link({"name": "l", "properties": {"virtualNetwork": {"id": network}}}) == ("l", network)
    assert wire.read_link({}) is None
    for state, is_linked in (
        ("Succeeded", True),
        ("Creating", True),
        ("", True),
        ("Failed", False),
        ("Deleting", False),
    ):
        given = {"provisioningState": state, "virtualNetwork": {"id": network}}
        assert (wire.read_link({"name": "l", "properties": given}) is not None) == is_linked
    assert wire.read_zone_group({"name": "default", "properties": {"provisioningState": "Updating"}}) == ZoneGroup(
        "default", "Updating"
    )
    configs = [{"properties": {"privateDnsZoneId": ZONE}}, {"properties": {}}, {}, 1]
    held = wire.read_zone_group({"name": "default", "properties": {"privateDnsZoneConfigs": configs}})
    assert held == ZoneGroup("default", "", (ZONE,))
    assert wire.read_zone_group({}) is None


GOOD_RECORD = {
    "recordType": "A",
    "recordSetName": "pv1",
    "provisioningState": "Succeeded",
    "ipAddresses": ["10.0.0.4", "10.0.0.5"],
}


@pytest.mark.parametrize(
    ("changed", "is_read"),
    [
        ({}, True),
        ({"recordSetName": "ingestion-1.z12_b"}, True),
        ({"recordType": "CNAME"}, False),
        ({"provisioningState": "Failed"}, False),
        ({"recordSetName": "a/b"}, False),
        ({"recordSetName": "é"}, False),
        ({"recordSetName": ""}, False),
        ({"ipAddresses": []}, False),
    ],
)
def test_the_records_that_a_zone_group_wrote(changed, is_read):
    """Address records that Azure has finished, with a name that can stand in a path."""
    record = GOOD_RECORD | changed
    configs = [{"properties": {"privateDnsZoneId": ZONE, "recordSets": [record, 1]}}, {"properties": {}}]
    found = wire.read_zone_group({"name": "default", "properties": {"privateDnsZoneConfigs": configs}})
    assert found is not None
    expected = (Record(ZONE, record["recordSetName"], tuple(record["ipAddresses"])),)
    assert found.records == (expected if is_read else ())


@pytest.mark.parametrize(
    ("answer", "addresses"),
    [
        ({"properties": {"aRecords": [{"ipv4Address": "10.0.0.4"}, {"ipv4Address": "10.0.0.5"}, {}, 1]}}, 2),
        ({"properties": {}}, 0),
        ({}, 0),
        (None, 0),
    ],
)
def test_a_record_as_its_zone_holds_it(answer, addresses):
    """Without addresses if it does not exist."""
    found = wire.read_record(ZONE, "pv1", answer)
    assert (found.zone, found.name, len(found.addresses)) == (ZONE, "pv1", addresses)


def test_offered_group_ids_are_read():
    """Group ids are read with their zones; invalid zone names and invalid group ids are dropped."""
    items = [
        {
            "properties": {
                "groupId": "Account",
                "requiredZoneNames": ["privatelink.Purview.azure.com", "../x", "com", "a..b"],
            }
        },
        {"name": "portal", "properties": {}},
        {"properties": {"groupId": "??"}},
    ]
    assert wire.read_link_resources(items) == {"account": ("privatelink.purview.azure.com",), "portal": ()}


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "LinkedAuthorizationFailed",
            "… action 'Microsoft.Purview/accounts/PrivateEndpointConnectionsApproval/action' …",
            True,
        ),
        ("LinkedAuthorizationFailed", "… action 'Microsoft.Network/virtualNetworks/subnets/join/action' …", False),
        ("AuthorizationFailed", "privateEndpointConnectionsApproval", False),
        (None, "", False),
    ],
)
def test_missing_right_to_approve_is_recognised(code, message, expected):
    """Only this missing right makes a connection manual."""
    assert wire.is_lack_of_approval(code, message) is expected


def test_identity_is_target_group_and_subnet():
    """The name is not part of the identity."""
    step = Step(
        action="keep", subject="private-endpoint", name="x", group_id="account", resource_id=ACCOUNT, reason="r"
    )
    assert wire.leads_to(an_own_endpoint(), step, a_network().subnet.upper().replace("/SUB", "/sub"))
    assert not wire.leads_to(an_own_endpoint(), step, a_network().subnet + "2")
    assert not wire.leads_to(an_own_endpoint(group_id="portal"), step, a_network().subnet)


@given(json_values)
def test_readers_accept_any_json(value):
    """No answer makes a reader raise."""
    for body in ({"id": PE, "name": "n", "properties": value}, {"properties": {"subnets": value}}, {"id": value}):
        wire.read_private_endpoint(body)
        wire.read_virtual_network(body, a_network())
        wire.read_zone_id(body)
        wire.read_link(body)
        wire.read_zone_group(body)
        wire.read_zone_group({"name": "n", "properties": {"privateDnsZoneConfigs": [{"properties": value}]}})
        wire.read_record(ZONE, "n", body)
        wire.read_link_resources([body])
