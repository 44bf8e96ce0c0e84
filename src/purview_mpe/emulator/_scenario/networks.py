"""The customer's networks, from a scenario and into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._services.network import lives, virtual_networks
from purview_mpe.emulator._services.network.links import new_link
from purview_mpe.emulator._services.network.zones import new_zone
from purview_mpe.emulator._state.networking import ZoneGroup
from purview_mpe.emulator._values.json_values import id_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from purview_mpe.emulator._control.parts import Parts
    from purview_mpe.emulator._scenario.network_parts import (
        PrivateEndpointPart,
        VirtualNetworkPart,
        ZoneGroupPart,
        ZonePart,
        ZonePolicyPart,
    )
    from purview_mpe.emulator._state.networking import Networking, PrivateEndpoint, VirtualNetwork, Zone
    from purview_mpe.emulator._state.world import World

_PROVIDER = "Microsoft.Network"
Found = TypeVar("Found", bound="VirtualNetwork | Zone")


class NetworkLoader:
    """Adds the networks of a scenario to an emulator."""

    def __init__(self, parts: Parts, named: Callable[[str, str], ArmId]) -> None:
        self._parts = parts
        self._world = parts.world
        self._networking = parts.world.networking
        self._named = named

    def load_network(self, part: VirtualNetworkPart) -> None:
        """Add a virtual network with its subnets."""
        network_id = self._place(part).in_group(_PROVIDER, "virtualNetworks", part.name)
        if network_id.key in self._networking.networks:
            raise ValueError(f"there is another virtual network {part.name}")
        location = part.location or self._parts.inventory.location
        network = virtual_networks.new_network(self._world, network_id, location)
        network.body |= {"tags": dict(part.tags), "prefixes": list(part.address_prefixes)}
        for subnet in part.subnets:
            if subnet.prefix is not None and not virtual_networks.is_prefix(subnet.prefix):
                raise ValueError(f"{subnet.prefix!r} is not an address prefix such as 10.0.0.0/24")
            virtual_networks.add_subnet(network, subnet.name, subnet.network_policies, subnet.prefix or "")

    def load_zone(self, part: ZonePart) -> None:
        """Add a private DNS zone with its links and records."""
        zone_id = self._place(part).in_group(_PROVIDER, "privateDnsZones", part.name)
        if zone_id.key in self._networking.zones:
            raise ValueError(f"there is another private DNS zone {part.name}")
        zone = new_zone(self._world, zone_id, dict(part.tags))
        zone.records.update(part.records)
        for link in part.linked_to:
            network = self._find(link.network, self._networking.networks, "virtual network").id
            body: dict[str, Any] = {
                "registrationEnabled": link.registration_enabled,
                "resolutionPolicy": link.resolution_policy,
                "tags": dict(link.tags),
            }
            link_id = zone_id.child("virtualNetworkLinks", link.name or network.name)
            new_link(self._world, link_id, zone, str(network), body)

    def load_endpoint(self, part: PrivateEndpointPart) -> None:
        """Add a private endpoint; an operation that is under way begins again."""
        subnet_id = self._subnet(part.subnet)
        group = part.resource_group or subnet_id.resource_group
        own = ArmId(subnet_id.subscription, group).in_group(_PROVIDER, "privateEndpoints", part.name)
        if own.key in self._networking.endpoints:
            raise ValueError(f"there is another private endpoint {part.name}")
        endpoint_id = self._parts.networks.add_private_endpoint(
            part.name,
            subnet_id,
            self._named(part.target, part.group_id),
            part.group_id,
            status=part.status,
            manual=part.manual,
            request_message=part.request_message,
            resource_group=part.resource_group,
        )
        endpoint = self._networking.endpoints[endpoint_id.key]
        endpoint.body["tags"] = dict(part.tags)
        endpoint.address = part.address or endpoint.address
        self._load_connection(endpoint, part)
        if part.zone_group is not None:
            self._load_zone_group(endpoint, part.zone_group)
        found = self._networking.find_subnet(subnet_id)
        endpoint.provisioning_state = part.provisioning_state
        if found is not None and part.provisioning_state == "Updating":
            lives.begin_endpoint(self._world, endpoint, found[1])
        elif found is not None and part.provisioning_state == "Deleting":
            lives.delete_endpoint(self._world, endpoint, found[1])

    def load_policy(self, part: ZonePolicyPart) -> None:
        """Add a company's policy."""
        zone = self._find(part.zone, self._networking.zones, "private DNS zone").id
        self._parts.networks.add_zone_policy(part.group_id, zone, after=part.after)

    def _load_connection(self, endpoint: PrivateEndpoint, part: PrivateEndpointPart) -> None:
        connection = endpoint.connection
        if connection is None:
            return
        siblings = self._world.connections_of(connection.target)
        is_dropped = "connection" in part.model_fields_set and part.connection is None
        if is_dropped or part.provisioning_state in {"Updating", "Failed"}:
            del siblings[connection.name.casefold()]
            endpoint.connection = connection if part.provisioning_state in {"Succeeded", "Deleting"} else None
        elif part.connection is not None:
            del siblings[connection.name.casefold()]
            connection.name, connection.description = part.connection.name, part.connection.description
            siblings[connection.name.casefold()] = connection

    def _load_zone_group(self, endpoint: PrivateEndpoint, part: ZoneGroupPart) -> None:
        zones = [self._find(zone, self._networking.zones, "private DNS zone").id for zone in part.zones]
        configured = [(zone.name.replace(".", "-"), str(zone)) for zone in zones]
        group = ZoneGroup(part.name, configured, self._world.guid(), part.provisioning_state)
        endpoint.zone_groups = {part.name.casefold(): group}
        if part.provisioning_state == "Updating":
            lives.begin_zone_group(self._world, endpoint, group)
        elif part.provisioning_state != "Failed":
            lives.end_zone_group(self._world, endpoint, group)
            if part.provisioning_state == "Deleting":
                lives.begin_zone_group_deletion(self._world, endpoint, group)

    def _place(self, part: VirtualNetworkPart | ZonePart) -> ArmId:
        return ArmId(part.subscription or self._parts.inventory.subscription, part.resource_group)

    def _subnet(self, text: str) -> ArmId:
        given = id_of(text)
        if given is not None:
            return given
        network, _, name = text.partition("/")
        if not name:
            raise LookupError(f"{text!r} is not the id of a subnet, and has not the form network/subnet")
        return self._find(network, self._networking.networks, "virtual network").id.child("subnets", name)

    @staticmethod
    def _find(text: str, known: dict[str, Found], what: str) -> Found:
        given = id_of(text)
        for key, found in known.items():
            if (given is not None and key == given.key) or found.id.name.casefold() == text.casefold():
                return found
        raise LookupError(f"{text!r} is neither the id nor the name of a {what} in this scenario")


def dump_networks(world: World) -> dict[str, Any]:
    """The same as parts of a scenario."""
    networking = world.networking
    return {
        "virtual_networks": [_dump_network(network) for network in networking.networks.values()],
        "private_dns_zones": [_dump_zone(networking, zone) for zone in networking.zones.values()],
        "private_endpoints": [
            _dump_endpoint(endpoint, is_connected=lives.is_connected(world, endpoint))
            for endpoint in networking.endpoints.values()
        ],
        "zone_policies": [
            {"group_id": policy.group_id, "zone": policy.zone, "after": policy.after} for policy in networking.policies
        ],
    }


def _dump_network(network: VirtualNetwork) -> dict[str, Any]:
    return {
        **_placed(network.id),
        "location": network.body["location"],
        "address_prefixes": network.body["prefixes"],
        "subnets": [
            {"name": subnet.name, "prefix": subnet.prefix, "network_policies": subnet.network_policies}
            for subnet in network.subnets.values()
        ],
        "tags": network.body["tags"],
    }


def _dump_zone(networking: Networking, zone: Zone) -> dict[str, Any]:
    written = {
        (key, name)
        for endpoint in networking.endpoints.values()
        for group in endpoint.zone_groups.values()
        for key, name in group.records.items()
    }
    return {
        **_placed(zone.id),
        "linked_to": [
            {
                "network": link.network,
                "name": link.id.name,
                "resolution_policy": link.body["resolutionPolicy"],
                "registration_enabled": link.body["registrationEnabled"],
                "tags": link.body["tags"],
            }
            for link in networking.links_of(zone)
        ],
        # The zone groups of the endpoints write theirs again.
        "records": {name: address for name, address in zone.records.items() if (zone.id.key, name) not in written},
        "tags": zone.body["tags"],
    }


def _dump_endpoint(endpoint: PrivateEndpoint, *, is_connected: bool) -> dict[str, Any]:
    connection = endpoint.connection
    dumped: dict[str, Any] = {
        "name": endpoint.id.name,
        "resource_group": endpoint.id.resource_group,
        "subnet": endpoint.subnet,
        "target": endpoint.target,
        "group_id": endpoint.group_id,
        "manual": endpoint.is_manual,
        "request_message": endpoint.request_message,
        "provisioning_state": endpoint.provisioning_state,
        "address": endpoint.address,
        "tags": endpoint.body["tags"],
        "connection": None,
    }
    if connection is not None:
        dumped["status"] = connection.status
    if connection is not None and is_connected:
        dumped["connection"] = {"name": connection.name, "description": connection.description}
    for group in endpoint.zone_groups.values():
        dumped["zone_group"] = {
            "name": group.name,
            "zones": [zone for _, zone in group.zones],
            "provisioning_state": group.provisioning_state,
        }
    return dumped


def _placed(resource: ArmId) -> dict[str, str]:
    return {"name": resource.name, "subscription": resource.subscription, "resource_group": resource.resource_group}
