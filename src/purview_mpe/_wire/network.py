"""Microsoft.Network's JSON: virtual networks, private endpoints of the customer's own, private DNS zones.

A source stands beside each oddity, as in `account`; every reader accepts any answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._model import states
from purview_mpe._model.arm_id import ArmId, folded, same_id
from purview_mpe._model.fields import is_group
from purview_mpe._model.results import Endpoint
from purview_mpe._model.surroundings import PrivateEndpoint, Record, VirtualNetwork, ZoneGroup
from purview_mpe._wire.account import read_name
from purview_mpe._wire.reading import id_text, line, mapping, objects, text, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Step
    from purview_mpe._wire.account import Json

_AUTOMATIC, _MANUAL = "privateLinkServiceConnections", "manualPrivateLinkServiceConnections"
#: Spec and public code: azurerm accepts 1 to 140 characters.
_LONGEST_MESSAGE = 140
_ZONE_TYPE = "Microsoft.Network/privateDnsZones"


def read_virtual_network(answer: Mapping[str, Any], network: Network) -> VirtualNetwork:
    """The virtual network, with the resource groups of the private endpoints in the subnet (spec)."""
    inside = [
        subnet
        for subnet in objects(mapping(answer, "properties"), "subnets")
        if folded(read_name(subnet)) == folded(network.subnet_id.name)
    ]
    ids = [
        ArmId.parse(found)
        for subnet in inside
        for endpoint in objects(mapping(subnet, "properties"), "privateEndpoints")
        if (found := id_text(endpoint, "id"))
    ]
    groups = dict.fromkeys(one.group for one in ids)
    return VirtualNetwork(text(answer, "location"), has_subnet=bool(inside), groups=tuple(groups))


def read_private_endpoint(answer: Mapping[str, Any]) -> PrivateEndpoint | None:
    """One private endpoint; None if it has no id, or does not lead to exactly one part of one target.

    An automatic connection and a manual one stand in different lists; a manual one stays there after its approval
    (recorded).
    """
    properties, endpoint_id, name = mapping(answer, "properties"), id_text(answer, "id"), read_name(answer)
    manual = objects(properties, _MANUAL)
    connections = (*objects(properties, _AUTOMATIC), *manual)
    if not endpoint_id or not name or len(connections) != 1:
        return None
    connection = mapping(connections[0], "properties")
    groups = [group for group in texts(connection, "groupIds") if is_group(group)]
    if len(groups) != 1:
        return None
    state = mapping(connection, "privateLinkServiceConnectionState")
    return PrivateEndpoint(
        Endpoint(
            id=endpoint_id,
            name=name,
            group_id=groups[0],
            resource_id=id_text(connection, "privateLinkServiceId"),
            provisioning_state=line(properties, "provisioningState"),
            connection_status=line(state, "status"),
            private_endpoint_id=endpoint_id,
        ),
        subnet=id_text(mapping(properties, "subnet"), "id"),
        is_manual=bool(manual),
    )


def private_endpoint_body(step: Step, network: Network, *, location: str, message: str | None) -> Json:
    """The body that creates a private endpoint; with a message, its connection waits for the target's owner.

    The network interface gets a name of its own, because the name that Azure makes up says nothing (spec).
    """
    asked: dict[str, Any] = {"privateLinkServiceId": step.resource_id, "groupIds": [step.group_id]}
    if message is not None:
        asked["requestMessage"] = message[:_LONGEST_MESSAGE]
    return {
        "location": location,
        "properties": {
            "subnet": {"id": network.subnet},
            _AUTOMATIC if message is None else _MANUAL: [{"name": step.name, "properties": asked}],
            "customNetworkInterfaceName": f"nic-{step.name}"[:80],
        },
    }


def zone_body() -> Json:
    """The body that creates a private DNS zone."""
    return {"location": "global"}


def link_body(virtual_network: ArmId) -> Json:
    """The body that links a virtual network to a zone, without the registration of its machines."""
    properties = {"registrationEnabled": False, "virtualNetwork": {"id": str(virtual_network)}}
    return {"location": "global", "properties": properties}


def zone_group_body(zone_ids: Iterable[str]) -> Json:
    """The body that creates the zone group of a private endpoint."""
    return {
        "properties": {
            "privateDnsZoneConfigs": [
                {
                    "name": ArmId.parse(zone_id).name.replace(".", "-"),
                    "properties": {"privateDnsZoneId": zone_id},
                }
                for zone_id in zone_ids
            ]
        }
    }


def read_zone_id(answer: Mapping[str, Any]) -> ArmId | None:
    """The id of a listed private DNS zone; None for anything else."""
    found = id_text(answer, "id")
    zone_id = ArmId.parse(found) if found else None
    return zone_id if zone_id is not None and zone_id.is_a(_ZONE_TYPE) else None


def read_link(answer: Mapping[str, Any]) -> tuple[str, str] | None:
    """The name of a link and the id of its virtual network; None for an item without a name.

    None also for a link that does not link: one that Azure could not create or is deleting (spec: `provisioningState`).
    """
    name, properties = read_name(answer), mapping(answer, "properties")
    state = line(properties, "provisioningState")
    if not name or states.is_broken(state, "") or states.is_deleting(state):
        return None
    return name, id_text(mapping(properties, "virtualNetwork"), "id")


def read_zone_group(answer: Mapping[str, Any]) -> ZoneGroup | None:
    """A zone group; None for an item without a name."""
    name, properties = read_name(answer), mapping(answer, "properties")
    if not name:
        return None
    configured = [mapping(one, "properties") for one in objects(properties, "privateDnsZoneConfigs")]
    held = [(zone, one) for one in configured if (zone := id_text(one, "privateDnsZoneId"))]
    return ZoneGroup(
        name,
        line(properties, "provisioningState"),
        tuple(zone for zone, _ in held),
        tuple(record for zone, one in held for record in _written(zone, one)),
    )


def _written(zone: str, configured: Mapping[str, Any]) -> Iterable[Record]:
    """The address records that a zone group has written into a zone (spec: `recordSets`)."""
    for one in objects(configured, "recordSets"):
        name, addresses = line(one, "recordSetName"), texts(one, "ipAddresses")
        is_written = folded(line(one, "provisioningState")) == "succeeded" and line(one, "recordType") == "A"
        if is_written and is_label(name) and addresses:
            yield Record(zone, name, tuple(addresses))


def is_label(name: str) -> bool:
    """Whether a text is the name of a record; it becomes part of a path."""
    return name.isascii() and all(label.replace("-", "").replace("_", "").isalnum() for label in name.split("."))


def read_record(zone: str, name: str, answer: Mapping[str, Any] | None) -> Record:
    """A record as its zone holds it; without addresses if it does not exist."""
    held = objects(mapping(answer or {}, "properties"), "aRecords")
    return Record(zone, name, tuple(address for one in held if (address := line(one, "ipv4Address"))))


def read_link_resources(items: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The zones that resolve the names of each group id that a target offers (spec: `requiredZoneNames`)."""
    found: dict[str, tuple[str, ...]] = {}
    for item in items:
        properties = mapping(item, "properties")
        group_id = (text(properties, "groupId") or read_name(item)).casefold()
        if is_group(group_id):
            found[group_id] = tuple(
                zone.casefold() for zone in texts(properties, "requiredZoneNames") if _is_zone(zone)
            )
    return found


def _is_zone(name: str) -> bool:
    """Whether a text is the name of a zone; it becomes part of a path."""
    labels = name.split(".")
    return name.isascii() and len(labels) > 1 and all(label.replace("-", "").isalnum() for label in labels)


def is_lack_of_approval(code: str | None, message: str) -> bool:
    """True if Azure refuses an automatic connection only because this caller is not allowed to approve it (docs)."""
    return folded(code or "") == "linkedauthorizationfailed" and "endpointconnectionsapproval" in folded(message)


def leads_to(endpoint: PrivateEndpoint, step: Step, subnet: str) -> bool:
    """True if a private endpoint has the identity of a step: target, group id and subnet."""
    return endpoint.endpoint.identity == step.identity and same_id(endpoint.subnet, subnet)
