"""The life of a private endpoint in the customer's network, and of its zone group.

PUT → Updating ──private_endpoint──▶ Succeeded, with its connection on the target; or Failed
PUT of a zone group → Updating ──private_dns──▶ Succeeded, with a record in each zone; or Failed
DELETE → Deleting ──private_endpoint_deletion──▶ gone, with its connection and its records
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from purview_mpe.emulator._services.targets.names import private_name
from purview_mpe.emulator._state import life, operations
from purview_mpe.emulator._state.networking import ZoneGroup
from purview_mpe.emulator._values.json_values import id_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.networking import PrivateEndpoint, Subnet, Zone, ZonePolicy
    from purview_mpe.emulator._state.nouns import Operation
    from purview_mpe.emulator._state.world import World

# Codes of errors inside an operation, as public code distinguishes them; the messages are inferred.
_NO_SERVICE = (
    "InvalidResourceReference",
    "Call to a resource provider failed: PrivateLinkServiceId Invalid private link service id.",
)
_NO_GROUP = ("InvalidRequestFormat", "The target has no private link sub resource of this group id.")
_POLICIES = (
    "PrivateEndpointCannotBeCreatedInSubnetThatHasNetworkPoliciesEnabled",
    "Private endpoints cannot be created in a subnet whose private endpoint network policies are enabled.",
)
_NOT_REGISTERED = (
    "RemotePrivateLinkServiceSubscriptionNotRegistered",
    "The subscription of the private endpoint is not registered to use the resource provider of its target.",
)
_FAILED = ("InternalServerError", "An error occurred.")


def planned_error(planned: Mapping[str, Any]) -> tuple[str, str] | None:
    """The error inside an operation that a fault plans."""
    error: tuple[str, str] | None = planned.get("error")
    return error or (_FAILED if planned.get("outcome") == "Failed" else None)


def begin_endpoint(
    world: World, endpoint: PrivateEndpoint, subnet: Subnet, planned: Mapping[str, Any] | None = None
) -> Operation:
    """Begin the creation of an endpoint that is already in the emulator."""
    planned = planned or {}
    endpoint.provisioning_state = "Updating"

    def error() -> tuple[str, str] | None:
        if not _exists(world, endpoint):
            return None
        why = _obstacle(world, endpoint, subnet) or planned_error(planned)
        if why is not None:
            endpoint.provisioning_state = "Failed"
        return why

    def finish() -> None:
        if _exists(world, endpoint) and endpoint.provisioning_state == "Updating":
            connect(world, endpoint, planned.get("decision"))

    subnet.operation = operations.begin(world, world.seconds("private_endpoint"), finish, error)
    return subnet.operation


def connect(world: World, endpoint: PrivateEndpoint, status: str | None = None) -> None:
    """End the creation of an endpoint: its connection is on the target, Approved or Pending."""
    endpoint.provisioning_state, endpoint.etag = "Succeeded", world.guid()
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
    for policy in world.networking.policies:
        if policy.group_id.casefold() == endpoint.group_id.casefold():
            _deploy_later(world, endpoint, policy)


def _deploy_later(world: World, endpoint: PrivateEndpoint, policy: ZonePolicy) -> None:
    """Let a policy deploy its zone group, unless the endpoint has one by then (seen in public modules)."""

    def deploy() -> None:
        if _exists(world, endpoint) and not endpoint.zone_groups:
            configured = (policy.zone.rpartition("/")[2].replace(".", "-"), policy.zone)
            made = ZoneGroup("deployedByPolicy", [configured], world.guid())
            endpoint.zone_groups[made.name.casefold()] = made
            begin_zone_group(world, endpoint, made)

    world.after(policy.after, deploy)


def _obstacle(world: World, endpoint: PrivateEndpoint, subnet: Subnet) -> tuple[str, str] | None:
    """The reason why the creation of an endpoint fails, as code and message."""
    target = id_of(endpoint.target)
    if target is None or world.find_resource(target.key) is None:
        return _NO_SERVICE
    if world.takes(endpoint.target, endpoint.group_id) is None:
        return _NO_GROUP
    if target.provider.casefold() in world.ensure_subscription(endpoint.id.subscription).unregistered:
        return _NOT_REGISTERED
    if subnet.network_policies != "Disabled":
        return _POLICIES
    if endpoint.connection is None and world.is_full(target):
        return life.full(world, target)
    return None if world.hold_storage(target) else life.STORAGE_BUSY


def delete_endpoint(world: World, endpoint: PrivateEndpoint, subnet: Subnet | None) -> Operation:
    """Begin the deletion of an endpoint."""
    endpoint.provisioning_state = "Deleting"

    def finish() -> None:
        if _exists(world, endpoint):
            remove_endpoint(world, endpoint)

    operation = operations.begin(world, world.seconds("private_endpoint_deletion"), finish)
    if subnet is not None:
        subnet.operation = operation
    return operation


def remove_endpoint(world: World, endpoint: PrivateEndpoint) -> None:
    """Remove an endpoint at once, with its connection and its records."""
    del world.networking.endpoints[endpoint.id.key]
    for group in endpoint.zone_groups.values():
        remove_records(world, endpoint, group)
    if endpoint.connection is not None:
        world.connections_of(endpoint.connection.target).pop(endpoint.connection.name.casefold(), None)


def connection_status(world: World, endpoint: PrivateEndpoint) -> tuple[str, str]:
    """Status and description of an endpoint's connection, as the endpoint shows them."""
    connection = endpoint.connection
    if connection is None:
        return ("Pending", endpoint.request_message) if endpoint.is_manual else ("Approved", "Auto-Approved")
    if not is_connected(world, endpoint):
        return "Disconnected", connection.description or ""
    return connection.status, connection.description or ""


def is_connected(world: World, endpoint: PrivateEndpoint) -> bool:
    """Whether an endpoint's connection is on its target."""
    connection = endpoint.connection
    return (
        connection is not None and world.connections_of(connection.target).get(connection.name.casefold()) is connection
    )


def _exists(world: World, endpoint: PrivateEndpoint) -> bool:
    return world.networking.endpoints.get(endpoint.id.key) is endpoint


# --- addresses


def begin_zone_group(
    world: World, endpoint: PrivateEndpoint, group: ZoneGroup, planned: Mapping[str, Any] | None = None
) -> Operation:
    """Begin to write an endpoint's address into the zones of a group."""
    group.provisioning_state = "Updating"

    def is_current() -> bool:
        return _exists(world, endpoint) and endpoint.zone_groups.get(group.name.casefold()) is group

    def error() -> tuple[str, str] | None:
        why = planned_error(planned or {}) if is_current() else None
        if why is not None:
            group.provisioning_state = "Failed"
        return why

    def finish() -> None:
        if is_current():
            end_zone_group(world, endpoint, group)

    endpoint.operation = operations.begin(world, world.seconds("private_dns"), finish, error)
    return endpoint.operation


def end_zone_group(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> None:
    """Write an endpoint's address into the zones of a group."""
    group.provisioning_state = "Succeeded"
    for _, zone_id in group.zones:
        zone = _zone(world, zone_id)
        if zone is not None:
            name = record_name(world, endpoint, zone)
            group.records[zone.id.key] = name
            zone.records[name] = endpoint.address


def begin_zone_group_deletion(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> Operation:
    """Begin the deletion of a zone group."""
    group.provisioning_state = "Deleting"

    def finish() -> None:
        if endpoint.zone_groups.get(group.name.casefold()) is group:
            del endpoint.zone_groups[group.name.casefold()]
            remove_records(world, endpoint, group)

    endpoint.operation = operations.begin(world, world.seconds("private_dns"), finish)
    return endpoint.operation


def remove_records(world: World, endpoint: PrivateEndpoint, group: ZoneGroup) -> None:
    """Remove the records of a zone group from their zones, unless they hold another endpoint's address by now."""
    for key, name in group.records.items():
        zone = world.networking.zones.get(key)
        if zone is not None and zone.records.get(name) == endpoint.address:
            del zone.records[name]


def record_name(world: World, endpoint: PrivateEndpoint, zone: Zone) -> str:
    """The name of an endpoint's record: the part of its public host that a zone of the right name leaves."""
    target = id_of(endpoint.target)
    if target is None:
        return endpoint.id.name.lower()
    name = private_name(world, target, endpoint.group_id)
    return name.record if zone.id.name.casefold() == name.zone else name.host.partition(".")[0]


def resolve(world: World, network: ArmId, host: str) -> str | None:
    """The address of a host inside a virtual network; `public` outside private DNS, None for a hidden name."""
    alias = re.sub(r"^web\.purview\.azure\.", "web.purviewstudio.azure.", host.lower())
    linked = [
        (zone.id.name.lower().removeprefix("privatelink."), zone, link)
        for zone, link in world.networking.zones_of(network)
    ]
    for domain, zone, link in sorted(linked, key=lambda one: len(one[0]), reverse=True):
        if alias.endswith(f".{domain}"):
            found = zone.records.get(alias.removesuffix(f".{domain}"))
            hides = found is None and link.body["resolutionPolicy"] != "NxDomainRedirect"
            return found or (None if hides else "public")
    return "public"


def host_of(world: World, endpoint: PrivateEndpoint) -> str:
    """The public host of an endpoint's target."""
    target = id_of(endpoint.target)
    return "" if target is None else private_name(world, target, endpoint.group_id).host


def _zone(world: World, zone_id: str) -> Zone | None:
    found = id_of(zone_id)
    return None if found is None else world.networking.zones.get(found.key)
