"""Microsoft.Network: the links of private DNS zones to virtual networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found, parent_not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network.common import check_linked, invalid
from purview_mpe.emulator._services.network.zones import accepted, check_conditions, find_zone, zone_id_of
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state.networking import Link
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import id_of, object_of

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._services.network.zones import Problem
    from purview_mpe.emulator._state.networking import Zone
    from purview_mpe.emulator._state.world import World

_POLICIES = ("Default", "NxDomainRedirect")
_JOIN = "Microsoft.Network/virtualNetworks/join/action"


def new_link(world: World, link_id: ArmId, zone: Zone, network: str, body: dict[str, Any] | None = None) -> Link:
    """Link a virtual network to a zone."""
    shown = body or {"registrationEnabled": False, "resolutionPolicy": "Default", "tags": {}}
    link = Link(link_id, shown, world.serial(), world.guid(), zone.id.key, network)
    world.networking.links[link_id.key] = link
    return link


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


def _link_id(call: Call) -> ArmId:
    return zone_id_of(call).child("virtualNetworkLinks", call["link"])


def _list_links(call: Call) -> Response:
    zone = find_zone(call)
    return call.page(call.world.networking.links_of(zone), lambda link: link.serial, _shown_link)


def _get_link(call: Call) -> Response:
    link = call.world.networking.links.get(_link_id(call).key)
    if link is None:
        raise not_found(_link_id(call))
    return Response(200, _shown_link(link))


def _put_link(call: Call) -> Response:
    link_id, zone_id = _link_id(call), zone_id_of(call)
    zone = call.world.networking.zones.get(zone_id.key)
    if zone is None:
        raise parent_not_found(zone_id, "write", "virtualNetworkLinks")
    known = call.world.networking.links.get(link_id.key)
    check_conditions(call, known.etag if known else None)
    network, shown = _read_link(call)
    if known is not None and known.network.casefold() != network.key:
        raise invalid("The virtual network of a link cannot be changed.")

    def overlap() -> Problem | None:
        return _overlap(call.world, zone, network, link_id)

    if (problem := overlap()) is not None:
        raise invalid(problem[1], problem[0])

    def finish() -> None:
        if call.world.networking.zones.get(zone_id.key) is not zone:
            return
        link = call.world.networking.links.get(link_id.key)
        if link is None:
            new_link(call.world, link_id, zone, str(network), shown)
        else:
            link.body, link.etag = shown, call.world.guid()

    return accepted(call, finish, overlap)


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

    return accepted(call, finish)


_PROVIDER = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network"
_LINKS = f"{_PROVIDER}/privateDnsZones/{{zone}}/virtualNetworkLinks"
_ACTION = "Microsoft.Network/privateDnsZones/virtualNetworkLinks"

ROUTES = (
    Route("GET", _LINKS, ANY, _list_links, f"{_ACTION}/read"),
    Route("GET", f"{_LINKS}/{{link}}", ANY, _get_link, f"{_ACTION}/read"),
    Route("PUT", f"{_LINKS}/{{link}}", ANY, _put_link, f"{_ACTION}/write"),
    Route("DELETE", f"{_LINKS}/{{link}}", ANY, _delete_link, f"{_ACTION}/delete"),
)
