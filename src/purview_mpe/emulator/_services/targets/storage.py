"""Microsoft.Storage: the parts of a storage account that a private endpoint needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._http.call import not_found
from purview_mpe.emulator._http.router import Route
from purview_mpe.emulator._services.targets import connections
from purview_mpe.emulator._services.versions import STORAGE
from purview_mpe.emulator._state.world import STORAGE_TYPE
from purview_mpe.emulator._values.exchange import Response

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._http.call import Call
    from purview_mpe.emulator._state.nouns import Resource
    from purview_mpe.emulator._state.world import World

_SERVICES = ("blob", "dfs", "file", "queue", "table", "web")


def shown_storage(world: World, resource: Resource) -> dict[str, Any]:
    """The JSON of a storage account."""
    name, location = resource.id.name, str(resource.body["location"])
    return {
        "id": str(resource.id),
        "name": name,
        "type": "Microsoft.Storage/storageAccounts",
        "location": location,
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS", "tier": "Standard"},
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "creationTime": resource.body["createdAt"],
            "primaryEndpoints": {service: f"https://{name}.{service}.core.windows.net/" for service in _SERVICES},
            "primaryLocation": location,
            "statusOfPrimary": "available",
            "supportsHttpsTrafficOnly": True,
            "privateEndpointConnections": [
                connections.shown_connection(connection) for connection in world.connections_of(resource.id).values()
            ],
        },
    }


def _target(call: Call) -> ArmId:
    storage_id = call.id("Microsoft.Storage", "storageAccounts", call["storage"])
    found = call.world.resources.get(storage_id.key)
    if found is None:
        raise not_found(storage_id)
    return found.id


def _get(call: Call) -> Response:
    return Response(200, shown_storage(call.world, call.world.resources[_target(call).key]))


def _list(call: Call) -> Response:
    return call.page(
        call.located(resource for resource in call.world.resources.values() if resource.id.is_a(STORAGE_TYPE)),
        lambda resource: resource.serial,
        lambda resource: shown_storage(call.world, resource),
    )


_ALL = "/subscriptions/{subscription}/providers/Microsoft.Storage/storageAccounts"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts"
_ONE = f"{_GROUP}/{{storage}}"
_ACTION = "Microsoft.Storage/storageAccounts"

ROUTES = (
    Route("GET", _ALL, STORAGE, _list, f"{_ACTION}/read"),
    Route("GET", _GROUP, STORAGE, _list, f"{_ACTION}/read"),
    Route("GET", _ONE, STORAGE, _get, f"{_ACTION}/read"),
    *connections.routes(_ONE, STORAGE, _target, action=_ACTION, approval="PrivateEndpointConnectionsApproval"),
)
