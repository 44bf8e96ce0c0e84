"""Managed private endpoints and connections that are there without a request having made them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._control.views import ConnectionView, EndpointView, view_connection, view_endpoint
from purview_mpe.emulator._services.data_factory import managed_network
from purview_mpe.emulator._services.purview import lifecycle
from purview_mpe.emulator._state import life
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE
from purview_mpe.emulator._values.json_values import as_id

if TYPE_CHECKING:
    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.world import World


class Connections:
    """Adds and shows endpoints of factories, and connections of targets."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self._world = world
        self._inventory = inventory

    def add_endpoint(
        self,
        factory: ArmId | str,
        name: str,
        target: ArmId | str,
        group_id: str,
        *,
        provisioning_state: str = "Succeeded",
        status: str = "Approved",
        reserved: bool = False,
    ) -> None:
        """Add an existing managed private endpoint, with its connection on the target.

        `status` is the state that factory and target both show. A missing target of a known type is added.
        """
        with self._world.lock:
            owner = self._inventory.find_factory(factory)
            network = next(iter(owner.networks.values()), None) or managed_network.new_network(self._world, owner)
            lifecycle.ensure_target(self._world, str(target), self._inventory.location)
            endpoint = life.new_endpoint(self._world, owner, network, name=name, target=str(target), group_id=group_id)
            endpoint.reserved = reserved
            connection = life.connect(self._world, endpoint)
            if connection is not None:
                connection.status = status
            if provisioning_state != "Provisioning":
                life.finish(self._world, endpoint, "Succeeded")
                endpoint.provisioning_state = provisioning_state
                endpoint.status = status

    def add_connection(
        self,
        target: ArmId | str,
        *,
        private_endpoint_id: str | None = None,
        name: str | None = None,
        description: str | None = "",
        status: str = "Pending",
        group_id: str | None = None,
    ) -> ConnectionView:
        """Add a stranger's connection to a target; strangers can choose any name for it.

        Raises:
            LookupError: the target does not exist.
        """
        with self._world.lock:
            target_id = as_id(target)
            if self._world.find_resource(target_id.key) is None:
                raise LookupError(f"the emulator has nothing called {target_id}")
            stranger = ArmId(self._world.guid(), "strangers-rg")
            theirs = f"stranger-{self._world.letters(6)}"
            hidden = stranger.in_group("Microsoft.Network", "privateEndpoints", theirs)
            default_group = "account" if target_id.is_a(ACCOUNT_TYPE) else "blob"
            if target_id.is_a(NAMESPACE_TYPE):
                default_group = "namespace"
            connection = life.add_connection(
                self._world,
                target_id,
                private_endpoint_id=private_endpoint_id or str(hidden),
                group_id=group_id or default_group,
                description=description,
                status=status,
                name=name,
            )
            return view_connection(connection)

    def connections(self, target: ArmId | str | None = None) -> list[ConnectionView]:
        """The connections of a target, or of all targets, in order of creation."""
        with self._world.lock:
            self._world.settle()
            wanted = None if target is None else as_id(target).key
            found = [
                connection
                for key, connections in self._world.connections.items()
                if wanted is None or key == wanted
                for connection in connections.values()
            ]
            return [view_connection(connection) for connection in sorted(found, key=lambda one: one.serial)]

    def endpoints(self, factory: ArmId | str | None = None) -> list[EndpointView]:
        """The managed private endpoints of a factory, or of all of them, in order of creation."""
        with self._world.lock:
            self._world.settle()
            found = self._world.endpoints(self._inventory.find_factory(factory) if factory is not None else None)
            return [view_endpoint(endpoint) for endpoint in found]
