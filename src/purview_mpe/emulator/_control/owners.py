"""The owners of targets: they approve, reject and disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe.emulator._state import life

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Connection
    from purview_mpe.emulator._state.world import World


class Owners:
    """Decides about connections as the owner of their target."""

    def __init__(self, world: World) -> None:
        self._world = world

    def approve(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Approve a connection as the owner of its target.

        `name` is the name of the managed endpoint (with `factory` if several factories have an endpoint of that
        name), the name or id of the connection, or the id of its private endpoint.

        Raises:
            LookupError: the connection does not exist, or not yet; or there are several.
        """
        self._decide(name, "Approved", factory, description)

    def reject(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Reject a connection as the owner of its target; see `approve`."""
        self._decide(name, "Rejected", factory, description)

    def disconnect(self, name: str, *, factory: ArmId | str | None = None, description: str | None = None) -> None:
        """Set a connection to Disconnected on its target; see `approve`.

        A factory that showed Approved continues to show it. `remove` with the id of the connection deletes it.
        """
        self._decide(name, "Disconnected", factory, description)

    def _decide(self, name: str, decision: str, factory: ArmId | str | None, description: str | None) -> None:
        with self._world.lock:
            self._world.settle()
            life.decide(self._world, self._find_connection(name, factory), decision, description)

    def _find_connection(self, name: str, factory: ArmId | str | None) -> Connection:
        wanted = name.strip("/").casefold()
        found = [
            connection
            for connections in self._world.connections.values()
            for connection in connections.values()
            if _is_called(connection, wanted)
            and (
                factory is None or (connection.endpoint and connection.endpoint.factory.key == str(factory).casefold())
            )
        ]
        if len(found) != 1:
            many = "several connections" if found else "no connection"
            raise LookupError(
                f"the targets have {many} of {name!r}; a connection appears some time after its endpoint was requested"
            )
        return found[0]


def _is_called(connection: Connection, wanted: str) -> bool:
    if connection.endpoint is not None and connection.endpoint.name.casefold() == wanted:
        return True
    own = str(connection.target.child("privateEndpointConnections", connection.name)).strip("/").casefold()
    private_endpoint = connection.private_endpoint_id.strip("/").casefold()
    return wanted in {connection.name.casefold(), own, private_endpoint}
