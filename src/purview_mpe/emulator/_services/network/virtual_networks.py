"""Microsoft.Network: the parts of virtual networks and their subnets that a private endpoint needs."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network.common import PROVIDER, busy, invalid
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state.networking import Subnet, VirtualNetwork
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

# 1 to 80 characters (documentation).
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?", re.ASCII)
_POLICIES = ("Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled")


def new_network(world: World, network_id: ArmId, location: str, subnets: Iterable[str] = ()) -> VirtualNetwork:
    """Add a virtual network with subnets of these names."""
    body: dict[str, Any] = {"location": location, "tags": {}, "prefixes": ["10.0.0.0/16"]}
    network = VirtualNetwork(network_id, body, world.serial())
    for name in subnets:
        add_subnet(network, name)
    world.ensure_group(network_id, location)
    world.networking.networks[network_id.key] = network
    return network


def add_subnet(network: VirtualNetwork, name: str, network_policies: str = "Disabled", prefix: str = "") -> Subnet:
    """Add a subnet to a virtual network, by default with the next 256 addresses."""
    prefix = prefix or f"10.0.{len(network.subnets) % 256}.0/24"
    network.subnets[name.casefold()] = subnet = Subnet(name, prefix, network_policies)
    return subnet


def _shown_subnet(world: World, network: VirtualNetwork, subnet: Subnet) -> dict[str, Any]:
    subnet_id = network.id.child("subnets", subnet.name)
    inside = world.networking.endpoints_in(subnet_id)
    return {
        "id": str(subnet_id),
        "name": subnet.name,
        "type": f"{PROVIDER}/virtualNetworks/subnets",
        "properties": {
            "provisioningState": "Succeeded",
            "addressPrefix": subnet.prefix,
            "privateEndpoints": [{"id": str(endpoint.id)} for endpoint in inside],
            "privateEndpointNetworkPolicies": subnet.network_policies,
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
    }


def _shown_network(world: World, network: VirtualNetwork) -> dict[str, Any]:
    return {
        "id": str(network.id),
        "name": network.id.name,
        "type": f"{PROVIDER}/virtualNetworks",
        "location": network.body["location"],
        "tags": network.body["tags"],
        "properties": {
            "provisioningState": "Succeeded",
            "addressSpace": {"addressPrefixes": network.body["prefixes"]},
            "subnets": [_shown_subnet(world, network, subnet) for subnet in network.subnets.values()],
        },
    }


def _id(call: Call) -> ArmId:
    return call.id(PROVIDER, "virtualNetworks", call["network"])


def _find(call: Call) -> VirtualNetwork:
    network_id = _id(call)
    network = call.world.networking.networks.get(network_id.key)
    if network is None:
        raise not_found(network_id)
    return network


def _list(call: Call) -> Response:
    found = call.located(call.world.networking.networks.values())
    return call.page(found, lambda network: network.serial, lambda network: _shown_network(call.world, network))


def _get(call: Call) -> Response:
    return Response(200, _shown_network(call.world, _find(call)))


def _put(call: Call) -> Response:
    network_id, body = _id(call), call.json
    want_tags(body)
    properties = object_of(body.get("properties")) or {}
    prefixes = list_of((object_of(properties.get("addressSpace")) or {}).get("addressPrefixes"))
    if not isinstance(body.get("location"), str) or not body["location"] or not prefixes:
        raise invalid("A virtual network needs a location and an address space.")
    given = list_of(properties.get("subnets"))
    subnets = [_read_subnet(object_of(one) or {}) for one in given or ()]
    known = call.world.networking.networks.get(network_id.key)
    if known is not None and given is not None:
        _check_replaced(call, known, subnets)
    network = known or new_network(call.world, network_id, body["location"])
    network.body |= {"tags": body.get("tags") or {}, "prefixes": prefixes}
    if given is not None:
        network.subnets = {subnet.name.casefold(): subnet for subnet in subnets}
    return Response(200 if known else 201, _shown_network(call.world, network))


def _check_replaced(call: Call, network: VirtualNetwork, subnets: list[Subnet]) -> None:
    """Refuse a list of subnets that lacks one in use: it replaces the existing list (documentation)."""
    kept = {subnet.name.casefold() for subnet in subnets}
    for key, subnet in network.subnets.items():
        subnet_id = network.id.child("subnets", subnet.name)
        _check_idle(call, subnet_id, subnet)
        if key not in kept:
            _check_unused(call, subnet_id)


def _delete(call: Call) -> Response:
    network_id = _id(call)
    network = call.world.networking.networks.get(network_id.key)
    if network is None:
        return Response(204)
    _check_replaced(call, network, [])
    del call.world.networking.networks[network_id.key]
    return Response(200)


def _check_idle(call: Call, subnet_id: ArmId, subnet: Subnet | None) -> None:
    """Refuse a write of a subnet in which an operation is under way."""
    if subnet is not None and subnet.is_busy:
        raise busy(call, str(subnet_id))


def _check_unused(call: Call, subnet_id: ArmId) -> None:
    """Refuse to delete a subnet with private endpoints in it.

    Raises:
        ArmError: 400 `InUseSubnetCannotBeDeleted`.
    """
    inside = call.world.networking.endpoints_in(subnet_id)
    if inside:
        raise ArmError(
            400,
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet_id.name} is in use by {inside[0].id} and cannot be deleted.",
        )


# --- subnets


def _read_subnet(body: dict[str, Any], name: str | None = None) -> Subnet:
    properties = object_of(body.get("properties")) or {}
    found, prefix = name or body.get("name"), properties.get("addressPrefix")
    if prefix is None and (prefixes := list_of(properties.get("addressPrefixes"))):
        prefix = prefixes[0]
    if not isinstance(found, str) or not _NAME.fullmatch(found) or not isinstance(prefix, str) or not is_prefix(prefix):
        raise invalid("A subnet needs a name and an address prefix such as 10.0.0.0/24.")
    policies = properties.get("privateEndpointNetworkPolicies") or "Disabled"
    if policies not in _POLICIES:
        raise invalid("The property 'privateEndpointNetworkPolicies' has an invalid value.")
    return Subnet(found, prefix, policies)


def is_prefix(text: str) -> bool:
    """Whether a text is an IPv4 address prefix."""
    try:
        return isinstance(ip_network(text, strict=False), IPv4Network)
    except ValueError:
        return False


def _find_subnet(call: Call) -> tuple[VirtualNetwork, Subnet]:
    network = _find(call)
    subnet = network.subnets.get(call["subnet"].casefold())
    if subnet is None:
        raise not_found(network.id.child("subnets", call["subnet"]))
    return network, subnet


def _list_subnets(call: Call) -> Response:
    network = _find(call)
    return Response(200, {"value": [_shown_subnet(call.world, network, one) for one in network.subnets.values()]})


def _get_subnet(call: Call) -> Response:
    return Response(200, _shown_subnet(call.world, *_find_subnet(call)))


def _put_subnet(call: Call) -> Response:
    network, subnet = _find(call), _read_subnet(call.json, call["subnet"])
    known = network.subnets.get(subnet.name.casefold())
    _check_idle(call, network.id.child("subnets", subnet.name), known)
    network.subnets[subnet.name.casefold()] = subnet
    return Response(200 if known else 201, _shown_subnet(call.world, network, subnet))


def _delete_subnet(call: Call) -> Response:
    network = _find(call)
    subnet_id = network.id.child("subnets", call["subnet"])
    _check_idle(call, subnet_id, network.subnets.get(call["subnet"].casefold()))
    _check_unused(call, subnet_id)
    return Response(204 if network.subnets.pop(call["subnet"].casefold(), None) is None else 200)


_ALL = "/subscriptions/{subscription}/providers/Microsoft.Network/virtualNetworks"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks"
_ONE = f"{_GROUP}/{{network}}"
_SUBNETS = f"{_ONE}/subnets"
_ACTION = "Microsoft.Network/virtualNetworks"

ROUTES = (
    Route("GET", _ALL, ANY, _list, f"{_ACTION}/read"),
    Route("GET", _GROUP, ANY, _list, f"{_ACTION}/read"),
    Route("GET", _ONE, ANY, _get, f"{_ACTION}/read"),
    Route("PUT", _ONE, ANY, _put, f"{_ACTION}/write"),
    Route("DELETE", _ONE, ANY, _delete, f"{_ACTION}/delete"),
    Route("GET", _SUBNETS, ANY, _list_subnets, f"{_ACTION}/subnets/read"),
    Route("GET", f"{_SUBNETS}/{{subnet}}", ANY, _get_subnet, f"{_ACTION}/subnets/read"),
    Route("PUT", f"{_SUBNETS}/{{subnet}}", ANY, _put_subnet, f"{_ACTION}/subnets/write"),
    Route("DELETE", f"{_SUBNETS}/{{subnet}}", ANY, _delete_subnet, f"{_ACTION}/subnets/delete"),
)
