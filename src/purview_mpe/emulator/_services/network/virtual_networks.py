"""Microsoft.Network: virtual networks and their subnets, as far as a private endpoint needs them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.network.common import PROVIDER, invalid
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state.networking import Subnet, VirtualNetwork
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import list_of, object_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.world import World

_PREFIX = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}/\d{1,2}")


def new_network(world: World, network_id: ArmId, location: str, subnets: Iterable[str] = ()) -> VirtualNetwork:
    """Make a virtual network exist, with subnets of these names."""
    body = {"location": location, "tags": {}, "prefixes": ["10.0.0.0/16"]}
    network = VirtualNetwork(network_id, body, world.serial())
    for number, name in enumerate(subnets):
        network.subnets[name.casefold()] = Subnet(name, f"10.0.{number % 256}.0/24")
    world.ensure_group(network_id, location)
    world.networking.networks[network_id.key] = network
    return network


def _shown_subnet(world: World, network: VirtualNetwork, subnet: Subnet) -> dict[str, Any]:
    subnet_id = network.id.child("subnets", subnet.name)
    inside = [one for one in world.networking.endpoints.values() if one.subnet.casefold() == subnet_id.key]
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
    properties = object_of(body.get("properties")) or {}
    prefixes = list_of((object_of(properties.get("addressSpace")) or {}).get("addressPrefixes"))
    if not isinstance(body.get("location"), str) or not body["location"] or not prefixes:
        raise invalid("A virtual network needs a location and an address space.")
    subnets = [_read_subnet(object_of(one) or {}) for one in list_of(properties.get("subnets")) or ()]
    known = call.world.networking.networks.get(network_id.key)
    network = known or new_network(call.world, network_id, body["location"])
    network.body |= {"tags": body.get("tags") or {}, "prefixes": prefixes}
    for subnet in subnets:
        before = network.subnets.get(subnet.name.casefold())
        subnet.operation = before.operation if before else None
        network.subnets[subnet.name.casefold()] = subnet
    return Response(200 if known else 201, _shown_network(call.world, network))


def _delete(call: Call) -> Response:
    network_id = _id(call)
    network = call.world.networking.networks.get(network_id.key)
    if network is None:
        return Response(204)
    if any(one.subnet.casefold().startswith(network_id.key) for one in call.world.networking.endpoints.values()):
        raise _in_use(network_id)
    del call.world.networking.networks[network_id.key]
    return Response(200)


def _in_use(resource: ArmId) -> ArmError:
    message = f"The resource '{resource}' is in use by a private endpoint and cannot be deleted."
    return ArmError(400, "InUseSubnetCannotBeDeleted", message)


# --- subnets


def _read_subnet(body: dict[str, Any], name: str | None = None) -> Subnet:
    properties = object_of(body.get("properties")) or {}
    found, prefix = name or body.get("name"), properties.get("addressPrefix")
    if prefix is None and (prefixes := list_of(properties.get("addressPrefixes"))):
        prefix = prefixes[0]
    if not isinstance(found, str) or not found or not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise invalid("A subnet needs a name and an address prefix such as 10.0.0.0/24.")
    policies = properties.get("privateEndpointNetworkPolicies", "Disabled")
    if policies not in ("Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled"):
        raise invalid("The property 'privateEndpointNetworkPolicies' has an invalid value.")
    return Subnet(found, prefix, policies)


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
    subnet.operation = known.operation if known else None
    network.subnets[subnet.name.casefold()] = subnet
    return Response(200 if known else 201, _shown_subnet(call.world, network, subnet))


def _delete_subnet(call: Call) -> Response:
    network = _find(call)
    subnet_id = network.id.child("subnets", call["subnet"])
    if any(one.subnet.casefold() == subnet_id.key for one in call.world.networking.endpoints.values()):
        raise _in_use(subnet_id)
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
