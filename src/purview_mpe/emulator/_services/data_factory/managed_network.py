"""Microsoft.DataFactory: managed virtual networks and the managed private endpoints in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import bad_request, parent_not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.data_factory.factories import find_factory
from purview_mpe.emulator._services.data_factory.rules import (
    check_if_match,
    check_limit,
    check_name,
    child_not_found,
    invalid_request,
    names_tag,
)
from purview_mpe.emulator._services.versions import DATA_FACTORY
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.nouns import Endpoint, Factory, Network
from purview_mpe.emulator._values.exchange import ArmError, Response
from purview_mpe.emulator._values.json_values import id_of, object_of, region_of, strings_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.answers import EndpointError
    from purview_mpe.emulator._state.world import World


def new_network(
    world: World, factory: Factory, name: str = "default", properties: Mapping[str, Any] | None = None
) -> Network:
    """Add a managed virtual network to a factory."""
    vnet_id = world.guid()
    region, number = region_of(factory.body["location"]), world.random.randrange(10, 1000)
    network = Network(
        name=name,
        vnet_id=vnet_id,
        etag=world.etag(),
        properties={
            "vNetId": vnet_id,
            "preventDataExfiltration": bool((properties or {}).get("preventDataExfiltration", False)),
            "alias": factory.id.name.lower(),
        },
        # Recorded: vnet-92b2afd7-northeurope-55-rg; the hexadecimal digits are not those of `vNetId`.
        hidden_group=f"vnet-{world.hex(8)}-{region}-{number}-rg",
        serial=world.serial(),
    )
    factory.networks[name.casefold()] = network
    return network


def _shown_network(factory: Factory, network: Network) -> dict[str, Any]:
    # Lower-cased segments, in types too (recorded).
    return {
        "id": f"{factory.id}/managedvirtualnetworks/{network.name}",
        "name": network.name,
        "type": "Microsoft.DataFactory/factories/managedvirtualnetworks",
        "properties": network.properties,
        "etag": network.etag,
    }


def _list_networks(call: Call) -> Response:
    factory = find_factory(call)
    return call.page(
        factory.networks.values(),
        lambda network: network.serial,
        lambda network: _shown_network(factory, network),
    )


def _find_network(call: Call) -> tuple[Factory, Network]:
    factory = find_factory(call)
    network = factory.networks.get(call["network"].casefold())
    if network is None:
        raise child_not_found(factory.id.child("managedVirtualNetworks", call["network"]))
    return factory, network


def _get_network(call: Call) -> Response:
    factory, network = _find_network(call)
    if names_tag(call.request.headers.get("if-none-match"), network.etag):
        return Response(304)
    return Response(200, _shown_network(factory, network))


def _put_network(call: Call) -> Response:
    factory, name = find_factory(call), call["network"]
    check_name("ManagedVirtualNetwork", name)
    # The service refuses a body without properties with exactly this message (seen in public bug reports).
    body = call.json if call.request.content.strip() else {}
    if not isinstance(body.get("properties"), dict):
        raise invalid_request("ManagedVirtualNetwork", name, "Invalid payload")
    network = factory.networks.get(name.casefold())
    check_if_match(call, network.etag if network else None)
    if network is None:
        if factory.networks:
            # A factory has one managed virtual network, whatever its name (seen in public bug reports).
            raise invalid_request("ManagedVirtualNetwork", name, "The factory already has a managed virtual network")
        check_limit(call, factory)
        network = new_network(call.world, factory, name, body["properties"])
    return Response(200, _shown_network(factory, network))


# --- managed private endpoints


def shown_error(endpoint: Endpoint, form: EndpointError) -> dict[str, str] | str | None:
    """The reason why an endpoint failed, in one of the two possible forms."""
    if endpoint.error is None:
        return None
    code, message = endpoint.error
    return {"code": code, "message": message} if form == "object" else f"{code}: {message}"


def shown_endpoint(endpoint: Endpoint, form: EndpointError = "object") -> dict[str, Any]:
    """The JSON of an endpoint, with the service's lower-case segments (recorded); it has no etag."""
    properties: dict[str, Any] = {
        "privateLinkResourceId": endpoint.target,
        "groupId": endpoint.group_id,
        "fqdns": list(endpoint.fqdns),
        "provisioningState": endpoint.provisioning_state,
        "connectionState": {
            "status": endpoint.status,
            "description": endpoint.description,
            "actionsRequired": endpoint.actions_required,
        },
    }
    if endpoint.shows_private_endpoint_id:
        # Undocumented: the exact id of the hidden private endpoint (recorded 2022-10, 2024-06; absent in 2021-08).
        properties["resourceId"] = endpoint.private_endpoint_id
    # Null unless the endpoint has failed (recorded 2022-10, 2024-06).
    properties |= {"error": shown_error(endpoint, form), "ipAddress": None, "linkId": None}
    if endpoint.reserved:
        properties["isReserved"] = True
    network = f"{endpoint.factory}/managedvirtualnetworks/{endpoint.network}"
    return {
        "id": f"{network}/managedprivateendpoints/{endpoint.name}",
        "name": endpoint.name,
        "type": "Microsoft.DataFactory/factories/managedvirtualnetworks/managedprivateendpoints",
        "properties": properties,
    }


def _shown(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    return shown_endpoint(endpoint, call.world.settings.answers.endpoint_error)


def _list_endpoints(call: Call) -> Response:
    _, network = _find_network(call)
    endpoints = list(network.endpoints.values())
    answer = call.page(endpoints, lambda endpoint: endpoint.serial, lambda endpoint: _shown(call, endpoint))
    for endpoint in endpoints:
        call.world.was_read(endpoint)
    return answer


def _get_endpoint(call: Call) -> Response:
    factory, network = _find_network(call)
    endpoint = network.endpoints.get(call["endpoint"].casefold())
    if endpoint is None:
        absent = factory.id.child("managedVirtualNetworks", network.name).child(
            "managedPrivateEndpoints", call["endpoint"]
        )
        if call.world.settings.absent_status == 400:
            # The answer that Terraform's azurerm handled in the past (seen in its source).
            raise bad_request(f"The managed private endpoint '{absent.name}' does not exist.")
        raise child_not_found(absent)
    answer = Response(200, _shown(call, endpoint))
    call.world.was_read(endpoint)
    return answer


def _put_endpoint(call: Call) -> Response:
    body = call.json
    factory = find_factory(call)
    network = factory.networks.get(call["network"].casefold())
    if network is None:
        raise parent_not_found(
            factory.id.child("managedVirtualNetworks", call["network"]), "write", "managedPrivateEndpoints"
        )
    name = call["endpoint"]
    check_name("ManagedPrivateEndpoint", name)
    target, group_id = _read_endpoint_body(name, body)
    existing = network.endpoints.get(name.casefold())
    if call.now < network.lingering.get(name.casefold(), 0):
        # The list omits the endpoint before its deletion is complete (seen in public bug reports).
        raise _still_deleting(name)
    if existing is not None:
        return _put_again(call, existing, target, group_id)
    for other in network.endpoints.values():
        if _same_target(other, target, group_id):
            # Seen in public bug reports; target and group identify an endpoint, whatever its name.
            raise invalid_request(
                "ManagedPrivateEndpoint", name, "A managed private endpoint to the data source already exist."
            )
    check_if_match(call, None)
    check_limit(call, factory)
    _check_room(call, name, target, group_id)
    endpoint = life.new_endpoint(call.world, factory, network, name=name, target=target, group_id=group_id)
    endpoint.fqdns = list(body["properties"].get("fqdns") or [])
    answer = Response(200, _shown(call, endpoint))
    life.request(call.world, endpoint, **call.planned)
    return answer


def _put_again(call: Call, existing: Endpoint, target: str, group_id: str) -> Response:
    if existing.provisioning_state == "Deleting":
        raise _still_deleting(existing.name)
    # An endpoint has no entity tag, so only the condition `*` holds.
    check_if_match(call, None)
    if existing.reserved or not _same_target(existing, target, group_id):
        raise invalid_request("ManagedPrivateEndpoint", existing.name, "Invalid payload")
    return Response(200, _shown(call, existing))


def _check_room(call: Call, name: str, target: str, group_id: str) -> None:
    """Refuse an endpoint to a target that is at its limit, if the emulator is set to refuse it at once."""
    found = call.world.takes(target, group_id)
    if found is not None and call.world.settings.answers.full_target == "refused" and call.world.is_full(found):
        raise invalid_request("ManagedPrivateEndpoint", name, life.full(call.world, found)[1])


def _still_deleting(name: str) -> ArmError:
    # The failure is known from public code; its error code is inferred.
    return ArmError(
        409, "Conflict", f"The managed private endpoint '{name}' is being deleted. Try again when it is gone."
    )


def _same_target(endpoint: Endpoint, target: str, group_id: str) -> bool:
    return (
        endpoint.target.strip("/").casefold() == target.strip("/").casefold()
        and endpoint.group_id.casefold() == group_id.casefold()
    )


def _read_endpoint_body(name: str, body: Mapping[str, Any]) -> tuple[str, str]:
    properties = object_of(body.get("properties")) or {}
    target, group_id = properties.get("privateLinkResourceId"), properties.get("groupId")
    fqdns = properties.get("fqdns")
    if not isinstance(target, str) or not isinstance(group_id, str) or not group_id:
        raise invalid_request("ManagedPrivateEndpoint", name, "Invalid payload")
    if fqdns is not None and strings_of(fqdns) is None:
        raise invalid_request("ManagedPrivateEndpoint", name, "Invalid payload")
    if id_of(target) is None:
        raise invalid_request("ManagedPrivateEndpoint", name, "Invalid privateLinkResourceId")
    return target, group_id


def _delete_endpoint(call: Call) -> Response:
    factory = find_factory(call)
    network = factory.networks.get(call["network"].casefold())
    endpoint = network.endpoints.get(call["endpoint"].casefold()) if network else None
    if endpoint is None:
        return Response(204)
    if endpoint.reserved:
        raise invalid_request("ManagedPrivateEndpoint", endpoint.name, "The managed private endpoint is reserved.")
    # A lock, here or on the target, makes the deletion fail later; DELETE answers 200 all the same (seen).
    lock = call.guards.lock_against(f"{_ENDPOINT_ACTION}/delete", call.scope, endpoint.target)
    life.delete(call.world, endpoint, blocked=lock.deletion_ends if lock else None)
    return Response(200)


_FACTORY = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.DataFactory/factories/{factory}"
_NETWORK = f"{_FACTORY}/managedVirtualNetworks/{{network}}"
_ENDPOINTS = f"{_NETWORK}/managedPrivateEndpoints"
_NETWORK_ACTION = "Microsoft.DataFactory/factories/managedVirtualNetworks"
_ENDPOINT_ACTION = f"{_NETWORK_ACTION}/managedPrivateEndpoints"

ROUTES = (
    Route("GET", f"{_FACTORY}/managedVirtualNetworks", DATA_FACTORY, _list_networks, f"{_NETWORK_ACTION}/read"),
    Route("GET", _NETWORK, DATA_FACTORY, _get_network, f"{_NETWORK_ACTION}/read"),
    Route("PUT", _NETWORK, DATA_FACTORY, _put_network, f"{_NETWORK_ACTION}/write"),
    Route("GET", _ENDPOINTS, DATA_FACTORY, _list_endpoints, f"{_ENDPOINT_ACTION}/read"),
    Route("GET", f"{_ENDPOINTS}/{{endpoint}}", DATA_FACTORY, _get_endpoint, f"{_ENDPOINT_ACTION}/read"),
    Route("PUT", f"{_ENDPOINTS}/{{endpoint}}", DATA_FACTORY, _put_endpoint, f"{_ENDPOINT_ACTION}/write"),
    Route(
        "DELETE",
        f"{_ENDPOINTS}/{{endpoint}}",
        DATA_FACTORY,
        _delete_endpoint,
        f"{_ENDPOINT_ACTION}/delete",
        delete_passes_locks=True,
    ),
)
