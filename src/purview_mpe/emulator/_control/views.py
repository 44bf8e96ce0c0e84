"""What tests see of endpoints and connections: immutable snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe.emulator._services.targets.connections import connection_id
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Connection, Endpoint


@public
@dataclass(frozen=True, slots=True)
class EndpointView:
    """A managed private endpoint."""

    name: str
    """Name within its factory."""
    factory: ArmId
    """Id of the factory."""
    group_id: str
    """Group id of the target."""
    target: str
    """Id of the target, as given."""
    provisioning_state: str
    """`Provisioning`, `Succeeded` or `Failed`."""
    status: str
    """The state of the connection as the factory shows it; empty until provisioned."""
    private_endpoint_id: str
    """Id of the hidden private endpoint behind it."""
    reserved: bool
    """Whether it belongs to the service itself."""


@public
@dataclass(frozen=True, slots=True)
class ConnectionView:
    """A private endpoint connection, as its target sees it."""

    id: ArmId
    """Id of the connection."""
    name: str
    """Name of the connection on its target."""
    target: ArmId
    """Id of the target that shows it."""
    group_id: str
    """Group id that the private endpoint requests."""
    private_endpoint_id: str
    """Id of the private endpoint that requests the connection."""
    status: str
    """`Pending`, `Approved`, `Rejected` or `Disconnected`."""
    description: str | None
    """The text beside the status; None if there is none."""
    endpoint: str | None
    """The managed endpoint behind it; None for a stranger's connection and for an orphan."""
    factory: ArmId | None
    """The factory of that endpoint."""


def view_endpoint(endpoint: Endpoint) -> EndpointView:
    """The snapshot of an endpoint."""
    return EndpointView(
        name=endpoint.name,
        factory=endpoint.factory,
        group_id=endpoint.group_id,
        target=endpoint.target,
        provisioning_state=endpoint.provisioning_state,
        status=endpoint.status,
        private_endpoint_id=endpoint.private_endpoint_id,
        reserved=endpoint.reserved,
    )


def view_connection(connection: Connection) -> ConnectionView:
    """The snapshot of a connection."""
    endpoint = connection.endpoint
    return ConnectionView(
        id=connection_id(connection),
        name=connection.name,
        target=connection.target,
        group_id=connection.group_id,
        private_endpoint_id=connection.private_endpoint_id,
        status=connection.status,
        description=connection.description,
        endpoint=endpoint.name if endpoint else None,
        factory=endpoint.factory if endpoint else None,
    )
