"""Microsoft.Network: the zone group of a private endpoint, which writes its address into private DNS zones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.network import lives
from purview_mpe.emulator._services.network.common import accepted, busy, check_linked, invalid
from purview_mpe.emulator._services.network.private_endpoints import find_endpoint
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state.networking import ZoneGroup
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import id_of, list_of, object_of

if TYPE_CHECKING:
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.networking import PrivateEndpoint
    from purview_mpe.emulator._state.world import World

# The maximum number of zones in one group (documentation).
_ZONES = 5
_JOIN = "Microsoft.Network/privateDnsZones/join/action"


def _shown(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> dict[str, Any]:
    return {
        "name": group.name,
        "id": str(endpoint.id.child("privateDnsZoneGroups", group.name)),
        "etag": f'W/"{group.etag}"',
        "properties": {
            "provisioningState": group.provisioning_state,
            "privateDnsZoneConfigs": [
                {
                    "name": name,
                    "properties": {
                        "privateDnsZoneId": zone,
                        "recordSets": _records(world, endpoint, group, zone),
                    },
                }
                for name, zone in group.zones
            ],
        },
    }


def _records(world: World, endpoint: PrivateEndpoint, group: ZoneGroup, zone_id: str) -> list[dict[str, Any]]:
    key = zone_id.casefold()
    name = group.records.get(key)
    zone = world.networking.zones.get(key)
    if name is None or zone is None:
        return []
    return [
        {
            "recordType": "A",
            "recordSetName": name,
            "fqdn": f"{name}.{zone.id.name}",
            "ttl": 10,
            "ipAddresses": [endpoint.address],
            "provisioningState": "Succeeded",
        }
    ]


def _list(call: Call) -> Response:
    endpoint = find_endpoint(call)
    return Response(200, {"value": [_shown(call.world, endpoint, group) for group in endpoint.zone_groups.values()]})


def _get(call: Call) -> Response:
    endpoint = find_endpoint(call)
    group = endpoint.zone_groups.get(call["zone_group"].casefold())
    if group is None:
        raise not_found(endpoint.id.child("privateDnsZoneGroups", call["zone_group"]))
    return Response(200, _shown(call.world, endpoint, group))


def _put(call: Call) -> Response:
    endpoint, zones = find_endpoint(call), _read(call)
    _check_idle(call, endpoint)
    known = endpoint.zone_groups.get(call["zone_group"].casefold())
    if known is None and endpoint.zone_groups:
        raise invalid(
            f"The private endpoint '{endpoint.id.name}' already has a private DNS zone group; it can have one.",
            "PrivateEndpointCannotHaveMoreThanOnePrivateDnsZoneGroup",
        )
    if known is not None:
        lives.remove_records(call.world, endpoint, known)
    group = ZoneGroup(known.name if known else call["zone_group"], zones, call.world.guid())
    endpoint.zone_groups[group.name.casefold()] = group
    operation = lives.begin_zone_group(call.world, endpoint, group, call.planned)
    shown = _shown(call.world, endpoint, group)
    return accepted(call, operation, endpoint.body["location"], 200 if known else 201, shown)


def _check_idle(call: Call, endpoint: PrivateEndpoint) -> None:
    """Refuse a write while another operation on the endpoint or on its zone group is under way."""
    if endpoint.is_busy or endpoint.provisioning_state in {"Updating", "Deleting"}:
        raise busy(call, str(endpoint.id))
    if endpoint.provisioning_state == "Failed":
        raise invalid(
            f"The private endpoint '{endpoint.id}' is in the state Failed.",
            "ReferencedResourceNotProvisioned",
        )


def _read(call: Call) -> list[tuple[str, str]]:
    """The zones in a body. Each must exist, and the caller needs the right to join it (well known)."""
    properties = object_of(call.json.get("properties")) or {}
    configs = [object_of(one) or {} for one in list_of(properties.get("privateDnsZoneConfigs")) or ()]
    if not 0 < len(configs) <= _ZONES:
        raise invalid(f"A private DNS zone group needs 1 to {_ZONES} zones.")
    zones: list[tuple[str, str]] = []
    for config in configs:
        zone_id = id_of((object_of(config.get("properties")) or {}).get("privateDnsZoneId"))
        name = config.get("name")
        if zone_id is None or not isinstance(name, str) or not name:
            raise invalid("A configuration of a private DNS zone group needs a name and the id of a zone.")
        if zone_id.key not in call.world.networking.zones:
            raise invalid(f"The private DNS zone '{zone_id}' was not found.", "InvalidResourceReference")
        check_linked(call, _JOIN, str(zone_id))
        zones.append((name, str(zone_id)))
    return zones


def _delete(call: Call) -> Response:
    endpoint = find_endpoint(call)
    group = endpoint.zone_groups.get(call["zone_group"].casefold())
    if group is None:
        return Response(204)
    _check_idle(call, endpoint)
    operation = lives.begin_zone_group_deletion(call.world, endpoint, group)
    return accepted(call, operation, endpoint.body["location"], 202)


_PROVIDER = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
_GROUPS = f"{_PROVIDER}/privateEndpoints/{{endpoint}}/privateDnsZoneGroups"
_ACTION = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"

ROUTES = (
    Route("GET", _GROUPS, ANY, _list, f"{_ACTION}/read"),
    Route("GET", f"{_GROUPS}/{{zone_group}}", ANY, _get, f"{_ACTION}/read"),
    Route("PUT", f"{_GROUPS}/{{zone_group}}", ANY, _put, f"{_ACTION}/write"),
    Route("DELETE", f"{_GROUPS}/{{zone_group}}", ANY, _delete, f"{_ACTION}/delete"),
)
