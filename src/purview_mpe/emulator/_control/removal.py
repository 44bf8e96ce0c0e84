"""Resources that disappear at once, without the stages of a deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._services.data_factory import managed_network
from purview_mpe.emulator._services.network.lives import remove_endpoint
from purview_mpe.emulator._state import life

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.world import World


def remove(world: World, resource: ArmId) -> None:
    """Remove a resource at once.

    Raises:
        LookupError: no resource has this identifier.
    """
    if (factory := world.factories.pop(resource.key, None)) is not None:
        life.orphan(factory)
    elif resource.key in world.accounts or resource.key in world.resources:
        world.accounts.pop(resource.key, None)
        world.resources.pop(resource.key, None)
        for connection in world.connections.pop(resource.key, {}).values():
            life.drop_connection(world, connection)
    elif (private := world.networking.endpoints.get(resource.key)) is not None:
        remove_endpoint(world, private)
    elif not world.networking.remove(resource.key) and not _remove_child(world, resource):
        raise LookupError(f"the emulator has nothing called {resource}")


def _remove_child(world: World, resource: ArmId) -> bool:
    """Remove a runtime, a connection or an endpoint; gives whether one has this id."""
    parent, name = resource.key.rpartition("/")[0].rpartition("/")[0], resource.name.casefold()
    owner = world.factories.get(parent)
    if owner is not None and owner.runtimes.pop(name, None) is not None:
        return True
    if (connection := world.connections.get(parent, {}).get(name)) is not None:
        life.drop_connection(world, connection)
        return True
    for endpoint in world.endpoints():
        network = world.network_of(endpoint)
        if managed_network.shown_endpoint(endpoint)["id"].casefold() == resource.key and network is not None:
            del network.endpoints[endpoint.name.casefold()]
            if endpoint.connection is not None:
                life.drop_connection(world, endpoint.connection)
            return True
    return False
