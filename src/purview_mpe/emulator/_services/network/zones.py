"""Microsoft.Network: private DNS zones, their address records, and their links to virtual networks.

A write answers 202 with an empty object, `Azure-AsyncOperation` and `Location`; the first address answers 202 as well
while the operation is under way (recorded 2023-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe.emulator._http.call import not_found, parent_not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network.common import PROVIDER, check_linked, invalid
from purview_mpe.emulator._services.network.lives import planned_error
from purview_mpe.emulator._services.resource_manager.operations import find_operation, shown_operation
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state import operations
from purview_mpe.emulator._state.networking import Link, Zone
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

_NAME = re.compile(r"(?=.{1,63}\.)[\w-]{1,63}(?:\.[\w-]{1,63}){1,33}", re.ASCII)
_POLICIES = ("Default", "NxDomainRedirect")
_JOIN = "Microsoft.Network/virtualNetworks/join/action"
Problem: TypeAlias = tuple[str, str]
"""Code and message of a failure."""


def new_zone(world: World, zone_id: ArmId, tags: dict[str, Any] | None = None) -> Zone:
    """Make a zone exist."""
    zone = Zone(zone_id, {"location": "global", "tags": tags or {}}, world.serial(), world.guid())
    world.ensure_group(zone_id)
    world.networking.zones[zone_id.key] = zone
    return zone


def new_link(world: World, link_id: ArmId, zone: Zone, network: str, body: dict[str, Any] | None = None) -> Link:
    """Link a virtual network to a zone."""
    shown = body or {"registrationEnabled": False, "resolutionPolicy": "Default", "tags": {}}
    link = Link(link_id, shown, world.serial(), world.guid(), zone.id.key, network)
    world.networking.links[link_id.key] = link
    return link


def _shown_zone(world: World, zone: Zone) -> dict[str, Any]:
    links = world.networking.links_of(zone)
    return {
        "id": str(zone.id),
        "name": zone.id.name,
        "type": "Microsoft.Network/privateDnsZones",
        "etag": zone.etag,
        "location": "global",
        "tags": zone.body["tags"],
        "properties": {
            "provisioningState": "Succeeded",
            "maxNumberOfRecordSets": 25_000,
            "numberOfRecordSets": 1 + len(zone.records),
            "maxNumberOfVirtualNetworkLinks": 1_000,
            "numberOfVirtualNetworkLinks": len(links),
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfVirtualNetworkLinksWithRegistration": sum(link.body["registrationEnabled"] for link in links),
        },
    }


def _shown_link(link: Link) -> dict[str, Any]:
    return {
        "id": str(link.id),
        "name": link.id.name,
        "type": "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        "etag": link.etag,
        "location": "global",
        "tags": link.body["tags"],
        "properties": {
            "provisioningState": "Succeeded",
            "registrationEnabled": link.body["registrationEnabled"],
            "resolutionPolicy": link.body["resolutionPolicy"],
            "virtualNetwork": {"id": link.network},
            "virtualNetworkLinkState": "Completed",
        },
    }


def _zone_id(call: Call) -> ArmId:
    return call.id(PROVIDER, "privateDnsZones", call["zone"])


def find_zone(call: Call) -> Zone:
    """The zone in the path."""
    zone_id = _zone_id(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        raise not_found(zone_id)
    return zone


def _accepted(call: Call, finish: operations.Finish, error: Callable[[], Problem | None] | None = None) -> Response:
    """The answer to a write whose work goes on (recorded); a fault, or `error` at the end, makes it fail."""
    planned = planned_error(call.planned)
    operation = operations.begin(
        call.world, call.world.seconds("private_dns"), finish, lambda: planned or (error() if error else None)
    )
    place = f"{call.origin}/subscriptions/{call['subscription']}/resourceGroups/{call['group']}/providers/{PROVIDER}"
    version = f"?api-version={call.api_version}"
    return Response(
        202,
        {},
        {
            "Azure-AsyncOperation": f"{place}/privateDnsOperationStatuses/{operation.id}{version}",
            "Location": f"{place}/privateDnsOperationResults/{operation.id}{version}",
        },
    )


def _check_conditions(call: Call, etag: str | None) -> None:
    """Refuse a write that must create, or that names another entity tag.

    Raises:
        ArmError: 412.
    """
    headers = call.request.headers
    creates_only = headers.get("if-none-match") == "*"
    wanted = headers.get("if-match")
    if (creates_only and etag is not None) or (wanted is not None and wanted.strip('"') != (etag or "")):
        raise ArmError(412, "PreconditionFailed", "The condition of the request is not met.")


def _list_zones(call: Call) -> Response:
    found = call.located(call.world.networking.zones.values())
    return call.page(found, lambda zone: zone.serial, lambda zone: _shown_zone(call.world, zone))


def _get_zone(call: Call) -> Response:
    return Response(200, _shown_zone(call.world, find_zone(call)))


def _put_zone(call: Call) -> Response:
    zone_id, body = _zone_id(call), call.json
    want_tags(body)
    if body.get("location") != "global" or not _NAME.fullmatch(zone_id.name):
        raise invalid("A private DNS zone needs a domain name of two labels or more, and the location 'global'.")
    known = call.world.networking.zones.get(zone_id.key)
    _check_conditions(call, known.etag if known else None)
    tags: dict[str, Any] = body.get("tags") or {}

    def finish() -> None:
        zone = call.world.networking.zones.get(zone_id.key)
        if zone is None:
            new_zone(call.world, zone_id, tags)
        else:
            zone.body["tags"] = tags

    return _accepted(call, finish)


def _delete_zone(call: Call) -> Response:
    zone_id = _zone_id(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        return Response(204)
    _check_conditions(call, zone.etag)
    if call.world.networking.links_of(zone):
        raise ArmError(
            409,
            "CannotDeleteResource",
            f"Can not delete resource before nested resources are deleted: '{zone_id}' has virtual network links.",
        )

    def finish() -> None:
        call.world.networking.remove(zone_id.key)

    return _accepted(call, finish)


# --- links


def _link_id(call: Call) -> ArmId:
    return _zone_id(call).child("virtualNetworkLinks", call["link"])


def _list_links(call: Call) -> Response:
    zone = find_zone(call)
    return call.page(call.world.networking.links_of(zone), lambda link: link.serial, _shown_link)


def _get_link(call: Call) -> Response:
    link = call.world.networking.links.get(_link_id(call).key)
    if link is None:
        raise not_found(_link_id(call))
    return Response(200, _shown_link(link))


def _put_link(call: Call) -> Response:
    link_id, zone_id = _link_id(call), _zone_id(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        raise parent_not_found(zone_id, "write", "virtualNetworkLinks")
    known = call.world.networking.links.get(link_id.key)
    _check_conditions(call, known.etag if known else None)
    network, shown = _read_link(call)
    if known is not None and known.network.casefold() != network.key:
        raise invalid("The virtual network of a link cannot be changed.")

    def overlap() -> Problem | None:
        return _overlap(call.world, zone, network, link_id)

    if (problem := overlap()) is not None:
        raise invalid(problem[1], problem[0])

    def finish() -> None:
        if call.world.networking.zones.get(zone_id.key) is zone:
            new_link(call.world, link_id, zone, str(network), shown)

    return _accepted(call, finish, overlap)


def _read_link(call: Call) -> tuple[ArmId, dict[str, Any]]:
    body = call.json
    want_tags(body)
    properties = object_of(body.get("properties")) or {}
    network = id_of((object_of(properties.get("virtualNetwork")) or {}).get("id"))
    registers, policy = properties.get("registrationEnabled", False), properties.get("resolutionPolicy", "Default")
    if body.get("location") != "global" or network is None:
        raise invalid("A virtual network link needs the id of a virtual network, and the location 'global'.")
    if not isinstance(registers, bool) or policy not in _POLICIES:
        raise invalid("A virtual network link has an invalid property.")
    check_linked(call, _JOIN, str(network))
    if network.key not in call.world.networking.networks:
        raise invalid(f"The virtual network '{network}' was not found.", "InvalidResourceReference")
    return network, {
        "registrationEnabled": registers,
        "resolutionPolicy": policy,
        "tags": body.get("tags") or {},
    }


def _overlap(world: World, zone: Zone, network: ArmId, link_id: ArmId) -> Problem | None:
    """A virtual network takes one zone of a name (well known; code and message seen in public reports)."""
    for other, link in world.networking.zones_of(network):
        if link.id.key != link_id.key and other.id.name.casefold() == zone.id.name.casefold():
            message = (
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link "
                f"virtual network with '{zone.id.name}' and '{other.id.name}' zones."
            )
            return "BadRequest", message
    return None


def _delete_link(call: Call) -> Response:
    link_id = _link_id(call)
    if link_id.key not in call.world.networking.links:
        return Response(204)

    def finish() -> None:
        call.world.networking.links.pop(link_id.key, None)

    return _accepted(call, finish)


# --- records and operations


def _shown_record(zone: Zone, name: str) -> dict[str, Any]:
    return _record(zone, "A", name, {"ttl": 10, "aRecords": [{"ipv4Address": zone.records[name]}]})


def _record(zone: Zone, kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(zone.id.child(kind, name)),
        "name": name,
        "type": f"Microsoft.Network/privateDnsZones/{kind}",
        "etag": zone.etag,
        "properties": {
            "fqdn": f"{zone.id.name}." if name == "@" else f"{name}.{zone.id.name}.",
            "isAutoRegistered": False,
            **properties,
        },
    }


def _list_addresses(call: Call) -> Response:
    zone = find_zone(call)
    return Response(200, {"value": [_shown_record(zone, name) for name in zone.records]})


def _list_records(call: Call) -> Response:
    zone = find_zone(call)
    authority = {
        "email": "azureprivatedns-host.microsoft.com",
        "expireTime": 2_419_200,
        "host": "azureprivatedns.net",
        "minimumTtl": 10,
        "refreshTime": 3_600,
        "retryTime": 300,
        "serialNumber": 1,
    }
    begins = _record(zone, "SOA", "@", {"ttl": 3_600, "soaRecord": authority})
    return Response(200, {"value": [begins, *(_shown_record(zone, name) for name in zone.records)]})


def _get_address(call: Call) -> Response:
    zone, name = find_zone(call), call["record"].lower()
    if name not in zone.records:
        raise not_found(zone.id.child("A", call["record"]))
    return Response(200, _shown_record(zone, name))


def _status(call: Call) -> Response:
    shown = shown_operation(find_operation(call))
    body = {key: shown[key] for key in ("status", "error") if key in shown}
    return Response(200 if find_operation(call).is_over else 202, body)


def _result(call: Call) -> Response:
    return Response(200 if find_operation(call).is_over else 202, {})


_SUBSCRIPTION = "/subscriptions/{subscription}"
_PROVIDER = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/Microsoft.Network"
_ALL = f"{_SUBSCRIPTION}/providers/Microsoft.Network/privateDnsZones"
_GROUP = f"{_PROVIDER}/privateDnsZones"
_ONE = f"{_GROUP}/{{zone}}"
_LINKS = f"{_ONE}/virtualNetworkLinks"
_ACTION = "Microsoft.Network/privateDnsZones"

ROUTES = (
    Route("GET", _ALL, ANY, _list_zones, f"{_ACTION}/read"),
    Route("GET", _GROUP, ANY, _list_zones, f"{_ACTION}/read"),
    Route("GET", _ONE, ANY, _get_zone, f"{_ACTION}/read"),
    Route("PUT", _ONE, ANY, _put_zone, f"{_ACTION}/write"),
    Route("DELETE", _ONE, ANY, _delete_zone, f"{_ACTION}/delete"),
    Route("GET", _LINKS, ANY, _list_links, f"{_ACTION}/virtualNetworkLinks/read"),
    Route("GET", f"{_LINKS}/{{link}}", ANY, _get_link, f"{_ACTION}/virtualNetworkLinks/read"),
    Route("PUT", f"{_LINKS}/{{link}}", ANY, _put_link, f"{_ACTION}/virtualNetworkLinks/write"),
    Route("DELETE", f"{_LINKS}/{{link}}", ANY, _delete_link, f"{_ACTION}/virtualNetworkLinks/delete"),
    Route("GET", f"{_ONE}/A", ANY, _list_addresses, f"{_ACTION}/A/read"),
    Route("GET", f"{_ONE}/A/{{record}}", ANY, _get_address, f"{_ACTION}/A/read"),
    Route("GET", f"{_ONE}/ALL", ANY, _list_records, f"{_ACTION}/ALL/read"),
    Route("GET", f"{_PROVIDER}/privateDnsOperationStatuses/{{operation}}", ANY, _status),
    Route("GET", f"{_PROVIDER}/privateDnsOperationResults/{{operation}}", ANY, _result),
)
