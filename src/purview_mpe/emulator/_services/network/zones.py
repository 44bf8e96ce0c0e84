"""Microsoft.Network: private DNS zones and their address records.

A write answers 202 with an empty object, `Azure-AsyncOperation` and `Location`; the first address answers 202 as well
while the operation is under way (recorded 2023-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network.common import PROVIDER, invalid
from purview_mpe.emulator._services.network.lives import planned_error
from purview_mpe.emulator._services.resource_manager.operations import find_operation, shown_operation
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state import operations
from purview_mpe.emulator._state.networking import Zone
from purview_mpe.emulator._values.exchange import ArmError, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

_NAME = re.compile(r"(?=.{1,63}\.)[\w-]{1,63}(?:\.[\w-]{1,63}){1,33}", re.ASCII)
Problem: TypeAlias = tuple[str, str]
"""Code and message of a failure."""


def new_zone(world: World, zone_id: ArmId, tags: dict[str, Any] | None = None) -> Zone:
    """Add a zone."""
    zone = Zone(zone_id, {"location": "global", "tags": tags or {}}, world.serial(), world.guid())
    world.ensure_group(zone_id)
    world.networking.zones[zone_id.key] = zone
    return zone


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


def zone_id_of(call: Call) -> ArmId:
    """The id of the zone in the path."""
    return call.id(PROVIDER, "privateDnsZones", call["zone"])


def find_zone(call: Call) -> Zone:
    """The zone in the path."""
    zone_id = zone_id_of(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        raise not_found(zone_id)
    return zone


def accepted(call: Call, finish: operations.Finish, error: Callable[[], Problem | None] | None = None) -> Response:
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


def check_conditions(call: Call, etag: str | None) -> None:
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
    zone_id, body = zone_id_of(call), call.json
    want_tags(body)
    if body.get("location") != "global" or not _NAME.fullmatch(zone_id.name):
        raise invalid("A private DNS zone needs a domain name of two labels or more, and the location 'global'.")
    known = call.world.networking.zones.get(zone_id.key)
    check_conditions(call, known.etag if known else None)
    tags: dict[str, Any] = body.get("tags") or {}

    def finish() -> None:
        zone = call.world.networking.zones.get(zone_id.key)
        if zone is None:
            new_zone(call.world, zone_id, tags)
        else:
            zone.body["tags"] = tags

    return accepted(call, finish)


def _delete_zone(call: Call) -> Response:
    zone_id = zone_id_of(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        return Response(204)
    check_conditions(call, zone.etag)
    if call.world.networking.links_of(zone):
        raise ArmError(
            409,
            "CannotDeleteResource",
            f"Can not delete resource before nested resources are deleted: '{zone_id}' has virtual network links.",
        )

    def finish() -> None:
        call.world.networking.remove(zone_id.key)

    return accepted(call, finish)


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
_ACTION = "Microsoft.Network/privateDnsZones"

ROUTES = (
    Route("GET", _ALL, ANY, _list_zones, f"{_ACTION}/read"),
    Route("GET", _GROUP, ANY, _list_zones, f"{_ACTION}/read"),
    Route("GET", _ONE, ANY, _get_zone, f"{_ACTION}/read"),
    Route("PUT", _ONE, ANY, _put_zone, f"{_ACTION}/write"),
    Route("DELETE", _ONE, ANY, _delete_zone, f"{_ACTION}/delete"),
    Route("GET", f"{_ONE}/A", ANY, _list_addresses, f"{_ACTION}/A/read"),
    Route("GET", f"{_ONE}/A/{{record}}", ANY, _get_address, f"{_ACTION}/A/read"),
    Route("GET", f"{_ONE}/ALL", ANY, _list_records, f"{_ACTION}/ALL/read"),
    Route("GET", f"{_PROVIDER}/privateDnsOperationStatuses/{{operation}}", ANY, _status),
    Route("GET", f"{_PROVIDER}/privateDnsOperationResults/{{operation}}", ANY, _result),
)
