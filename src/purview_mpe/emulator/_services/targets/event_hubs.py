"""Microsoft.EventHub: the parts of a namespace that a private endpoint needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.targets import connections
from purview_mpe.emulator._services.versions import EVENT_HUB
from purview_mpe.emulator._state.world import NAMESPACE_TYPE
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Resource
    from purview_mpe.emulator._state.world import World


def shown_namespace(world: World, resource: Resource) -> dict[str, Any]:
    """The JSON of a namespace."""
    name = resource.id.name
    return {
        "id": str(resource.id),
        "name": name,
        "type": "Microsoft.EventHub/Namespaces",
        "location": resource.body["location"],
        "sku": {"name": "Standard", "tier": "Standard", "capacity": 1},
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "status": "Active",
            "createdAt": resource.body["createdAt"],
            "updatedAt": resource.body["createdAt"],
            "serviceBusEndpoint": f"https://{name}.servicebus.windows.net:443/",
            "metricId": f"{resource.id.subscription}:{name}",
            "kafkaEnabled": True,
            "privateEndpointConnections": [
                connections.shown_connection(connection) for connection in world.connections_of(resource.id).values()
            ],
        },
    }


def _target(call: Call) -> ArmId:
    namespace_id = call.id("Microsoft.EventHub", "namespaces", call["namespace"])
    found = call.world.resources.get(namespace_id.key)
    if found is None:
        raise not_found(namespace_id)
    return found.id


def _get(call: Call) -> Response:
    return Response(200, shown_namespace(call.world, call.world.resources[_target(call).key]))


def _list(call: Call) -> Response:
    return call.page(
        call.located(resource for resource in call.world.resources.values() if resource.id.is_a(NAMESPACE_TYPE)),
        lambda resource: resource.serial,
        lambda resource: shown_namespace(call.world, resource),
    )


_ALL = "/subscriptions/{subscription}/providers/Microsoft.EventHub/namespaces"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.EventHub/namespaces"
_ONE = f"{_GROUP}/{{namespace}}"
_ACTION = "Microsoft.EventHub/namespaces"

ROUTES = (
    Route("GET", _ALL, EVENT_HUB, _list, f"{_ACTION}/read"),
    Route("GET", _GROUP, EVENT_HUB, _list, f"{_ACTION}/read"),
    Route("GET", _ONE, EVENT_HUB, _get, f"{_ACTION}/read"),
    *connections.routes(_ONE, EVENT_HUB, _target, action=_ACTION, approval="privateEndpointConnectionsApproval"),
)
