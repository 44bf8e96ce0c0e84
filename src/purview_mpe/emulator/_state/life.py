"""The life cycles of a managed private endpoint and of its connection on the target.

    PUT ──connection_delay──▶ the connection appears on the target, Pending
        ──provisioning──────▶ Succeeded (or Failed), the factory starts to show the connection's state
    decision on the target ──refresh_delay──▶ the factory shows it, unless it showed Approved already
    DELETE → Deleting ──deletion──▶ endpoint and connection are gone

The connection appears while its endpoint is still Provisioning (recorded from the sibling service).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._state.nouns import Connection, Endpoint, Network
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE

if TYPE_CHECKING:
    from purview_mpe.emulator._state.nouns import Factory
    from purview_mpe.emulator._state.settings import Span
    from purview_mpe.emulator._state.world import World

Outcome = Literal["Succeeded", "Failed"]
Decision = Literal["Approved", "Rejected", "Disconnected", "Pending"]

# Codes and messages of failed endpoints: the presence of `properties.error` is recorded, its contents are inferred.
STORAGE_BUSY = (
    "StorageAccountOperationInProgress",
    "An operation is currently performing on this storage account that requires exclusive access.",
)
_WHY_FAILED = ("ManagedPrivateEndpointProvisioningFailed", "The managed private endpoint could not be provisioned.")
_NO_TARGET = ("PrivateLinkServiceNotFound", "The private link resource does not exist or does not have this group.")


def new_endpoint(
    world: World, factory: Factory, network: Network, *, name: str, target: str, group_id: str
) -> Endpoint:
    """Add an endpoint to its network, without scheduling anything for it."""
    hidden = ArmId(world.microsoft_subscription().id, network.hidden_group)
    # The hidden private endpoint is in a subscription of Microsoft and has the name `<factory>.<endpoint>`, with the
    # factory in lower case and the endpoint as given (recorded 2022-10, 2024-06).
    hidden = hidden.in_group("Microsoft.Network", "privateEndpoints", f"{factory.id.name.lower()}.{name}")
    endpoint = Endpoint(
        name=name,
        factory=factory.id,
        network=network.name,
        target=target,
        group_id=group_id,
        fqdns=[],
        serial=world.serial(),
        private_endpoint_id=str(hidden),
        shows_private_endpoint_id=world.settings.reveal_private_endpoint_ids == "at-once",
    )
    network.endpoints[name.casefold()] = endpoint
    return endpoint


def request(
    world: World,
    endpoint: Endpoint,
    *,
    outcome: Outcome = "Succeeded",
    error: tuple[str, str] | None = None,
    decision: Decision | None = None,
) -> None:
    """Start the life cycle of a new endpoint.

    `outcome` is how provisioning ends, with `error` as the reason; `decision` is the target owner's decision as soon
    as the connection appears.
    """

    def appear() -> None:
        nonlocal outcome
        if endpoint.provisioning_state == "Provisioning" and world.network_of(endpoint):
            target = world.takes(endpoint.target, endpoint.group_id)
            if target is not None and not world.hold_storage(target):
                # Storage runs one private endpoint operation at a time: the second of two neighbours fails.
                outcome = "Failed"
                endpoint.error = STORAGE_BUSY
                return
            if target is not None and world.is_full(target):
                outcome = "Failed"
                endpoint.error = full(world, target)
                return
            connection = connect(world, endpoint)
            if connection and decision:
                connection.status = decision

    def provisioned() -> None:
        if endpoint.provisioning_state == "Provisioning" and world.network_of(endpoint):
            if endpoint.connection is None and outcome == "Succeeded":
                appear()
            endpoint.error = endpoint.error or error
            finish(world, endpoint, outcome)

    world.later(_span(world, "connection_delay", endpoint), appear, endpoint.waiting)
    world.later(_span(world, "provisioning", endpoint), provisioned, endpoint.waiting)


def full(world: World, target: ArmId) -> tuple[str, str]:
    """Code and message for a target at its limit of connections (the limits are documented, not the answer)."""
    limit = world.connection_limit(target)
    message = f"The resource '{target}' has reached its limit of {limit} private endpoint connections."
    return "PrivateEndpointConnectionLimitExceeded", message


def connect(world: World, endpoint: Endpoint) -> Connection | None:
    """Add the endpoint's connection to its target, if the target exists."""
    target = world.takes(endpoint.target, endpoint.group_id)
    if target is None or endpoint.connection is not None:
        return endpoint.connection
    endpoint.connection = add_connection(
        world,
        target,
        private_endpoint_id=endpoint.private_endpoint_id,
        group_id=endpoint.group_id,
        # The real text (recorded).
        description=f"Requested by DataFactory:{endpoint.factory.name}, Name:{endpoint.name}",
    )
    endpoint.connection.endpoint = endpoint
    return endpoint.connection


def add_connection(
    world: World,
    target: ArmId,
    *,
    private_endpoint_id: str,
    group_id: str,
    description: str | None,
    status: str = "Pending",
    name: str | None = None,
) -> Connection:
    """Add a connection to a target, with a name in its provider's format."""
    name = name or connection_name(world, target, private_endpoint_id)
    connection = Connection(
        name=name,
        target=target,
        private_endpoint_id=private_endpoint_id,
        group_id=group_id,
        serial=world.serial(),
        status=status,
        description=description,
        location=world.location_of(target),
    )
    world.connections_of(target)[name.casefold()] = connection
    return connection


def connection_name(world: World, target: ArmId, private_endpoint_id: str) -> str:
    """A name in the format of the target's provider (seen: storage, Event Hubs, Purview)."""
    guid = world.guid()
    if target.is_a(STORAGE_TYPE):
        return f"{target.name}.{guid}"
    if target.is_a(NAMESPACE_TYPE):
        return guid
    return f"{private_endpoint_id.rpartition('/')[2]}-{guid}"


def finish(world: World, endpoint: Endpoint, outcome: Outcome) -> None:
    """End provisioning."""
    target = world.takes(endpoint.target, endpoint.group_id)
    endpoint.provisioning_state = "Failed" if target is None else outcome
    if endpoint.provisioning_state == "Failed" and endpoint.error is None:
        endpoint.error = _WHY_FAILED if target is not None else _NO_TARGET
    endpoint.shows_private_endpoint_id = world.settings.reveal_private_endpoint_ids != "never"
    if endpoint.provisioning_state == "Failed" or target is None:
        return
    endpoint.fqdns = fqdns_of(target, endpoint.group_id)
    endpoint.mirror_connection()


def fqdns_of(target: ArmId, group_id: str) -> list[str]:
    """The host names that the service adds later (seen in public code)."""
    if target.is_a(ACCOUNT_TYPE):
        return [f"{target.name.lower()}.purview.azure.com"]
    if target.is_a(NAMESPACE_TYPE):
        return [f"{target.name.lower()}.servicebus.windows.net"]
    return [f"{target.name.lower()}.{group_id.lower()}.core.windows.net"]


def decide(world: World, connection: Connection, decision: str, description: str | None = None) -> None:
    """The target's owner decides; the factory shows the decision a little later."""
    connection.status = decision
    if description is not None:
        connection.description = description
    endpoint = connection.endpoint
    if endpoint is not None:
        world.later(world.settings.refresh_delay, endpoint.mirror_connection, endpoint.waiting)


def drop_connection(world: World, connection: Connection) -> None:
    """The target's owner removes a connection: its endpoint becomes Disconnected."""
    world.connections_of(connection.target).pop(connection.name.casefold(), None)
    endpoint = connection.endpoint
    if endpoint is not None:
        connection.status = "Disconnected"
        world.later(world.settings.refresh_delay, endpoint.mirror_connection, endpoint.waiting)


def delete(world: World, endpoint: Endpoint, *, blocked: str | None = None) -> None:
    """Begin a deletion; the endpoint is listed as Deleting until it is gone.

    `blocked` is its final state if something makes the deletion fail.
    """
    if endpoint.provisioning_state == "Deleting":
        return
    endpoint.provisioning_state = "Deleting"
    endpoint.waiting.clear()

    def gone() -> None:
        network = world.network_of(endpoint)
        if network is None:
            return
        if blocked is not None:
            endpoint.provisioning_state = blocked
            return
        del network.endpoints[endpoint.name.casefold()]
        if world.settings.deletion_lingers:
            network.lingering[endpoint.name.casefold()] = world.now() + world.settings.deletion_lingers
        connection = endpoint.connection
        if connection is not None:
            world.connections_of(connection.target).pop(connection.name.casefold(), None)

    world.later(_span(world, "deletion", endpoint), gone, endpoint.waiting)


def orphan(factory: Factory) -> None:
    """Detach a factory's connections: they stay on their targets after it is deleted (seen in public code)."""
    for network in factory.networks.values():
        for endpoint in network.endpoints.values():
            if endpoint.connection is not None:
                endpoint.connection.endpoint = None
            endpoint.waiting.clear()


def _span(world: World, kind: Literal["provisioning", "connection_delay", "deletion"], endpoint: Endpoint) -> Span:
    return world.settings.span(kind, endpoint.group_id, real=world.is_real)
