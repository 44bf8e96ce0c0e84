"""The life of a private endpoint of the customer's own, and of the zone group that belongs to it.

PUT → Updating ──private_endpoint──▶ Succeeded, with its connection on the target; or Failed
PUT of a zone group → Updating ──dns──▶ Succeeded, with a record in each zone
DELETE → Deleting ──private_endpoint_deletion──▶ gone, with its connection and its records
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._state import life, operations
from purview_mpe.emulator._state.networking import ZoneGroup
from purview_mpe.emulator._state.world import ACCOUNT_TYPE, NAMESPACE_TYPE
from purview_mpe.emulator._values.json_values import id_of

if TYPE_CHECKING:
    from purview_mpe.emulator._state.networking import PrivateEndpoint, Subnet, Zone
    from purview_mpe.emulator._state.nouns import Operation
    from purview_mpe.emulator._state.world import World

# Codes of errors inside an operation, as public code tells them apart; the messages are inferred.
_NO_SERVICE = (
    "InvalidResourceReference",
    "Call to a resource provider failed: PrivateLinkServiceId Invalid private link service id.",
)
_NO_GROUP = ("InvalidRequestFormat", "The target has no private link sub resource of this group id.")
_POLICIES = (
    "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
    "Private endpoints cannot be created in a subnet whose private endpoint network policies are enabled.",
)


def begin_endpoint(world: World, endpoint: PrivateEndpoint, subnet: Subnet, *, fails: bool) -> Operation:
    """Begin the creation of an endpoint that is already in the emulator."""
    endpoint.provisioning_state = "Updating"

    def error() -> tuple[str, str] | None:
        why = _obstacle(world, endpoint, subnet)
        if why is None and fails:
            why = ("InternalServerError", "An error occurred.")
        if why is not None:
            endpoint.provisioning_state = "Failed"
        return why

    def finish() -> None:
        if endpoint.provisioning_state == "Updating":
            connect(world, endpoint)

    subnet.operation = operations.begin(world, world.seconds("private_endpoint"), finish, error)
    return subnet.operation


def connect(world: World, endpoint: PrivateEndpoint, status: str | None = None) -> None:
    """End the creation of an endpoint: its connection is on the target, Approved or Pending."""
    endpoint.provisioning_state, endpoint.etag = "Succeeded", world.etag()
    target = id_of(endpoint.target)
    if endpoint.connection is None and target is not None:
        endpoint.connection = life.add_connection(
            world,
            target,
            private_endpoint_id=str(endpoint.id),
            group_id=endpoint.group_id,
            description=endpoint.request_message if endpoint.is_manual else "Auto-Approved",
            status=status or ("Pending" if endpoint.is_manual else "Approved"),
        )
    for group, zone in world.networking.policies:
        if group.casefold() == endpoint.group_id.casefold() and not endpoint.zone_groups:
            # A policy of the company deploys a zone group of its own a little later (seen in public modules).
            made = ZoneGroup("deployedByPolicy", [(zone.rpartition("/")[2].replace(".", "-"), zone)], world.etag())
            endpoint.zone_groups[made.name.casefold()] = made
            begin_zone_group(world, endpoint, made)


def _obstacle(world: World, endpoint: PrivateEndpoint, subnet: Subnet) -> tuple[str, str] | None:
    """What makes the creation of an endpoint fail, as code and message."""
    target = id_of(endpoint.target)
    if target is None or world.find_resource(target.key) is None:
        return _NO_SERVICE
    if world.takes(endpoint.target, endpoint.group_id) is None:
        return _NO_GROUP
    if subnet.network_policies != "Disabled":
        return _POLICIES
    if endpoint.connection is None and world.is_full(target):
        return life.full(world, target)
    return life.STORAGE_BUSY if not world.hold_storage(target) else None


def delete_endpoint(world: World, endpoint: PrivateEndpoint, subnet: Subnet | None) -> Operation:
    """Begin the deletion of an endpoint."""
    endpoint.provisioning_state = "Deleting"
    operation = operations.begin(
        world, world.seconds("private_endpoint_deletion"), lambda: remove_endpoint(world, endpoint)
    )
    if subnet is not None:
        subnet.operation = operation
    return operation


def remove_endpoint(world: World, endpoint: PrivateEndpoint) -> None:
    """Take an endpoint away at once, with its connection and its records."""
    if world.networking.endpoints.pop(endpoint.id.key, None) is None:
        return
    for group in endpoint.zone_groups.values():
        remove_records(world, group)
    connection = endpoint.connection
    if connection is not None:
        world.connections_of(connection.target).pop(connection.name.casefold(), None)


def connection_status(world: World, endpoint: PrivateEndpoint) -> tuple[str, str]:
    """Status and description of an endpoint's connection, as the endpoint shows them."""
    connection = endpoint.connection
    if connection is None:
        return ("Pending", endpoint.request_message) if endpoint.is_manual else ("Approved", "Auto-Approved")
    if world.connections_of(connection.target).get(connection.name.casefold()) is not connection:
        return "Disconnected", connection.description or ""
    return connection.status, connection.description or ""


# --- addresses


def begin_zone_group(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> Operation:
    """Begin to write an endpoint's addresses into zones."""

    def finish() -> None:
        is_there = world.networking.endpoints.get(endpoint.id.key) is endpoint
        if is_there and endpoint.zone_groups.get(group.name.casefold()) is group:
            end_zone_group(world, endpoint, group)

    return operations.begin(world, world.seconds("private_dns"), finish)


def end_zone_group(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> None:
    """Write an endpoint's address into the zones of a group."""
    group.provisioning_state = "Succeeded"
    for _, zone_id in group.zones:
        zone = _zone(world, zone_id)
        if zone is not None:
            name = record_name(endpoint)
            group.records[zone.id.key] = name
            zone.records[name] = [endpoint.address]


def remove_records(world: World, group: ZoneGroup) -> None:
    """Take the records of a zone group out of their zones."""
    for key, name in group.records.items():
        zone = world.networking.zones.get(key)
        if zone is not None:
            zone.records.pop(name, None)


def record_name(endpoint: PrivateEndpoint) -> str:
    """The name of an endpoint's record: that of its target."""
    return endpoint.target.rstrip("/").rpartition("/")[2].lower()


def host_name(endpoint: PrivateEndpoint, domain: str) -> str:
    """The public name of what an endpoint leads to."""
    target = ArmId.parse(endpoint.target)
    if target.is_a(ACCOUNT_TYPE):
        hosts = {"portal": f"web.purview.azure.{domain}", "platform": "api.purview-service.microsoft.com"}
        return hosts.get(endpoint.group_id.lower(), f"{target.name.lower()}.purview.azure.{domain}")
    if target.is_a(NAMESPACE_TYPE):
        return f"{target.name.lower()}.servicebus.windows.net"
    return f"{target.name.lower()}.{endpoint.group_id.lower()}.core.windows.net"


def _zone(world: World, zone_id: str) -> Zone | None:
    found = id_of(zone_id)
    return None if found is None else world.networking.zones.get(found.key)
