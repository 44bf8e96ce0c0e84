"""Microsoft.Network: private endpoints in the customer's own networks.

PUT answers 201 with `Updating` and the signed address of its operation (recorded 2024-10). A connection in
`privateLinkServiceConnections` approves itself if the caller may approve on the target, one in
`manualPrivateLinkServiceConnections` waits for the target's owner and stays in that list.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.rules import want_tags
from purview_mpe.emulator._services.network import lives
from purview_mpe.emulator._services.network.common import (
    PROVIDER,
    accepted,
    busy,
    check_linked,
    invalid,
    signed_address,
)
from purview_mpe.emulator._services.network.shapes import interface_id_of, shown_endpoint, shown_interface
from purview_mpe.emulator._services.targets.names import account_of_ingestion
from purview_mpe.emulator._services.versions import ANY
from purview_mpe.emulator._state.networking import PrivateEndpoint
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe.emulator._values.exchange import Response
from purview_mpe.emulator._values.json_values import id_of, list_of, object_of, region_of, strings_of

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.networking import Subnet, VirtualNetwork
    from purview_mpe.emulator._state.world import World

# 1 to 80 characters (seen in public code).
_NAME = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,78}\w)?", re.ASCII)
_MESSAGE = 140
# The right to approve a connection, for each kind of target (documentation).
_APPROVALS = {
    ACCOUNT_TYPE.casefold(): f"{ACCOUNT_TYPE}/PrivateEndpointConnectionsApproval/action",
    STORAGE_TYPE.casefold(): f"{STORAGE_TYPE}/PrivateEndpointConnectionsApproval/action",
    NAMESPACE_TYPE.casefold(): f"{NAMESPACE_TYPE}/privateEndpointConnectionsApproval/action",
}
_JOIN = "Microsoft.Network/virtualNetworks/subnets/join/action"


def new_endpoint(
    world: World,
    endpoint_id: ArmId,
    *,
    location: str,
    subnet: str,
    target: str,
    group_id: str,
    is_manual: bool,
    connection_name: str = "",
    request_message: str = "",
    address: str = "",
    tags: dict[str, Any] | None = None,
    interface: str = "",
) -> PrivateEndpoint:
    """Add an endpoint, without scheduling anything for it."""
    endpoint = PrivateEndpoint(
        endpoint_id,
        {"location": location, "tags": tags or {}, "interface": interface, "guid": world.guid()},
        world.serial(),
        subnet=subnet,
        target=target,
        group_id=group_id,
        connection_name=connection_name or endpoint_id.name,
        is_manual=is_manual,
        request_message=request_message,
        etag=world.guid(),
        address=address,
    )
    world.ensure_group(endpoint_id, location)
    world.networking.endpoints[endpoint_id.key] = endpoint
    return endpoint


def _id(call: Call) -> ArmId:
    return call.id(PROVIDER, "privateEndpoints", call["endpoint"])


def find_endpoint(call: Call) -> PrivateEndpoint:
    """The private endpoint in the path."""
    endpoint_id = _id(call)
    endpoint = call.world.networking.endpoints.get(endpoint_id.key)
    if endpoint is None:
        raise not_found(endpoint_id)
    return endpoint


def subnet_of(world: World, endpoint: PrivateEndpoint) -> Subnet | None:
    """The subnet that an endpoint is in, if it still exists."""
    subnet_id = id_of(endpoint.subnet)
    found = None if subnet_id is None else world.networking.find_subnet(subnet_id)
    return found[1] if found else None


def _list(call: Call) -> Response:
    found = call.located(call.world.networking.endpoints.values())
    return call.page(found, lambda endpoint: endpoint.serial, lambda endpoint: shown_endpoint(call.world, endpoint))


def _get(call: Call) -> Response:
    return Response(200, shown_endpoint(call.world, find_endpoint(call)))


def _get_interface(call: Call) -> Response:
    interface_id = call.id(PROVIDER, "networkInterfaces", call["interface"])
    for endpoint in call.world.networking.endpoints.values():
        if endpoint.provisioning_state == "Succeeded" and interface_id_of(endpoint).key == interface_id.key:
            return Response(200, shown_interface(call.world, endpoint))
    raise not_found(interface_id)


def _put(call: Call) -> Response:
    endpoint_id, body = _id(call), call.json
    if not _NAME.fullmatch(endpoint_id.name):
        raise invalid(f"The private endpoint name '{endpoint_id.name}' is invalid.", "InvalidResourceName")
    want_tags(body)
    properties = object_of(body.get("properties")) or {}
    network, subnet, subnet_id = _read_subnet(call, properties)
    given = _read_connection(properties)
    location = body.get("location")
    if not isinstance(location, str) or region_of(location) != region_of(network.body["location"]):
        raise invalid(
            f"The private endpoint must be in the region of its virtual network, {network.body['location']}.",
            "InvalidPrivateEndpointLocation",
        )
    known = call.world.networking.endpoints.get(endpoint_id.key)
    if known is not None:
        return _put_again(call, known, subnet, (subnet_id, given))
    if not given.is_manual:
        _check_approval(call, given)
    if subnet.is_busy:
        raise busy(call, str(subnet_id))
    taken = {one.address for one in call.world.networking.endpoints_in(subnet_id)}
    address = subnet.free_address(taken)
    if address is None:
        raise invalid(f"Subnet {subnet.name} with address prefix {subnet.prefix} is full.", "SubnetIsFull")
    endpoint = new_endpoint(
        call.world,
        endpoint_id,
        location=location,
        subnet=str(subnet_id),
        target=given.target,
        group_id=given.group_id,
        is_manual=given.is_manual,
        connection_name=given.name,
        request_message=given.message,
        address=address,
        tags=body.get("tags"),
        interface=str(properties.get("customNetworkInterfaceName") or ""),
    )
    operation = lives.begin_endpoint(call.world, endpoint, subnet, call.planned)
    return accepted(call, operation, location, 201, shown_endpoint(call.world, endpoint))


def _put_again(call: Call, known: PrivateEndpoint, subnet: Subnet, asked: tuple[ArmId, _Connection]) -> Response:
    """Change the tags of an endpoint, the only part that can change; one that failed is tried again."""
    subnet_id, given = asked
    same = (
        known.subnet.casefold() == subnet_id.key
        and known.target.strip("/").casefold() == given.target.strip("/").casefold()
        and known.group_id.casefold() == given.group_id.casefold()
        and known.is_manual == given.is_manual
    )
    if not same:
        raise invalid(
            f"The subnet and the target of the private endpoint '{known.id.name}' cannot be changed.",
            "PrivateEndpointCannotBeUpdated",
        )
    if known.is_busy or known.provisioning_state in {"Updating", "Deleting"}:
        raise busy(call, str(known.id))
    if known.provisioning_state == "Failed":
        if subnet.is_busy:
            raise busy(call, str(subnet_id))
        operation = lives.begin_endpoint(call.world, known, subnet, call.planned)
        return accepted(call, operation, known.body["location"], 200, shown_endpoint(call.world, known))
    known.body["tags"] = call.json.get("tags") or {}
    return Response(200, shown_endpoint(call.world, known))


def _read_subnet(call: Call, properties: dict[str, Any]) -> tuple[VirtualNetwork, Subnet, ArmId]:
    subnet_id = id_of((object_of(properties.get("subnet")) or {}).get("id"))
    if subnet_id is None:
        raise invalid("The property 'properties.subnet.id' is required.")
    check_linked(call, _JOIN, str(subnet_id))
    found = call.world.networking.find_subnet(subnet_id)
    if found is None:
        raise invalid(f"The subnet '{subnet_id}' was not found.", "InvalidResourceReference")
    return *found, subnet_id


@dataclass(frozen=True, slots=True)
class _Connection:
    """The one connection in a body."""

    name: str
    target: str
    group_id: str
    message: str
    is_manual: bool


def _read_connection(properties: dict[str, Any]) -> _Connection:
    automatic = list_of(properties.get("privateLinkServiceConnections")) or []
    manual = list_of(properties.get("manualPrivateLinkServiceConnections")) or []
    if len(automatic) + len(manual) != 1:
        raise invalid("A private endpoint needs exactly one connection, automatic or manual.")
    connection = object_of((automatic or manual)[0]) or {}
    inner = object_of(connection.get("properties")) or {}
    target, groups = inner.get("privateLinkServiceId"), strings_of(inner.get("groupIds"))
    message = inner.get("requestMessage") or ""
    if id_of(target) is None or not isinstance(target, str) or groups is None or len(groups) != 1:
        raise invalid("A connection needs a private link service id and one group id.")
    if not isinstance(message, str) or len(message) > _MESSAGE:
        raise invalid(f"The request message has at most {_MESSAGE} characters.")
    return _Connection(str(connection.get("name") or ""), target, groups[0], message, bool(manual))


def _check_approval(call: Call, given: _Connection) -> None:
    """Refuse an automatic connection to a target on which the caller is not allowed to approve."""
    target = id_of(given.target)
    action = None if target is None else _APPROVALS.get(target.type.casefold())
    if target is None or action is None:
        return
    if call.world.settings.answers.ingestion_endpoint == "automatic":
        owner = account_of_ingestion(call.world, target)
        if owner is not None:
            check_linked(call, _APPROVALS[ACCOUNT_TYPE.casefold()], str(owner.id))
            return
    check_linked(call, action, given.target)


def _delete(call: Call) -> Response:
    endpoint = call.world.networking.endpoints.get(_id(call).key)
    if endpoint is None:
        return Response(204)
    subnet = subnet_of(call.world, endpoint)
    if endpoint.is_busy or (subnet is not None and subnet.is_busy):
        raise busy(call, endpoint.subnet)
    operation, location = lives.delete_endpoint(call.world, endpoint, subnet), endpoint.body["location"]
    answer, wanted = accepted(call, operation, location, 202), call.world.settings.answers.network_deletion
    if wanted != "operation":
        answer.headers["Location"] = signed_address(call, operation, location, "operationResults")
    if wanted == "location":
        del answer.headers["Azure-AsyncOperation"]
    return answer


def _types(call: Call) -> Response:
    place = f"/subscriptions/{call['subscription']}/providers/{PROVIDER}/AvailablePrivateEndpointTypes"
    kinds = (ACCOUNT_TYPE, STORAGE_TYPE, NAMESPACE_TYPE)
    value = [
        {
            "name": kind.replace("/", "."),
            "id": f"{place}/{kind.replace('/', '.')}",
            "type": f"{PROVIDER}/AvailablePrivateEndpointTypes",
            "resourceName": kind,
            "displayName": kind,
        }
        for kind in kinds
    ]
    return Response(200, {"value": value})


_SUBSCRIPTION = "/subscriptions/{subscription}"
_ALL = f"{_SUBSCRIPTION}/providers/Microsoft.Network/privateEndpoints"
_GROUP = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/Microsoft.Network/privateEndpoints"
_ONE = f"{_GROUP}/{{endpoint}}"
_INTERFACES = f"{_SUBSCRIPTION}/resourceGroups/{{group}}/providers/Microsoft.Network/networkInterfaces"
_ACTION = "Microsoft.Network/privateEndpoints"
_TYPES = "locations/{location}/availablePrivateEndpointTypes"

ROUTES = (
    Route("GET", _ALL, ANY, _list, f"{_ACTION}/read"),
    Route("GET", _GROUP, ANY, _list, f"{_ACTION}/read"),
    Route("GET", _ONE, ANY, _get, f"{_ACTION}/read"),
    Route("PUT", _ONE, ANY, _put, f"{_ACTION}/write"),
    Route("DELETE", _ONE, ANY, _delete, f"{_ACTION}/delete"),
    Route("GET", f"{_INTERFACES}/{{interface}}", ANY, _get_interface, "Microsoft.Network/networkInterfaces/read"),
    Route(
        "GET",
        f"{_SUBSCRIPTION}/providers/Microsoft.Network/{_TYPES}",
        ANY,
        _types,
        "Microsoft.Network/locations/availablePrivateEndpointTypes/read",
    ),
)
