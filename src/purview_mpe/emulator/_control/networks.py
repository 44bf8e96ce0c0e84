"""The customer's own networks, for tests to set up and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._services.network import lives, virtual_networks
from purview_mpe.emulator._services.network.links import new_link
from purview_mpe.emulator._services.network.private_endpoints import new_endpoint
from purview_mpe.emulator._services.network.zones import new_zone
from purview_mpe.emulator._state import operations
from purview_mpe.emulator._state.networking import ZoneGroup, ZonePolicy
from purview_mpe.emulator._values.json_values import as_id
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.networking import PrivateEndpoint, Subnet, VirtualNetwork, Zone
    from purview_mpe.emulator._state.world import World

_PROVIDER = "Microsoft.Network"


@public
@dataclass(frozen=True, slots=True)
class PrivateEndpointView:
    """A private endpoint in a virtual network of the customer."""

    id: ArmId
    """Its id."""
    subnet: ArmId
    """The subnet that it is in."""
    target: str
    """The id of its target, as it was given."""
    group_id: str
    """Group id of the target."""
    is_manual: bool
    """Whether its connection waits for the owner of the target."""
    provisioning_state: str
    """`Updating`, `Succeeded`, `Failed` or `Deleting`."""
    status: str
    """The state of its connection, as the endpoint shows it."""
    address: str
    """Its address in the subnet."""
    zone_groups: tuple[str, ...]
    """The names of its private DNS zone groups: none or one."""


@public
@dataclass(frozen=True, slots=True)
class PrivateDnsZoneView:
    """A private DNS zone."""

    id: ArmId
    """Its id."""
    linked_to: tuple[ArmId, ...]
    """The virtual networks that are linked to it."""
    records: dict[str, str]
    """Its address records: name to address."""


@public
class Networks:
    """The virtual networks, private endpoints and private DNS zones of one emulator."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self._world = world
        self._inventory = inventory

    # --- networks

    def add_virtual_network(
        self,
        name: str = "vnet-hub",
        *,
        subnets: Iterable[str] = ("snet-pe",),
        subscription: str | None = None,
        resource_group: str = "rg-net",
        location: str | None = None,
    ) -> ArmId:
        """Add a virtual network; gives its id.

        `network.child("subnets", "snet-pe")` is the id of a subnet.
        """
        with self._world.lock:
            group = ArmId(subscription or self._inventory.subscription, resource_group)
            network_id = group.in_group(_PROVIDER, "virtualNetworks", name)
            location = location or self._inventory.location
            return virtual_networks.new_network(self._world, network_id, location, subnets).id

    def add_subnet(self, network: ArmId | str, name: str, *, network_policies: str = "Disabled") -> ArmId:
        """Add a subnet to a virtual network; gives its id.

        Private endpoints are not possible in a subnet whose `network_policies` are `Enabled`.

        Raises:
            LookupError: the emulator has no such virtual network.
        """
        with self._world.lock:
            network_id = as_id(network)
            found = self._world.networking.networks.get(network_id.key)
            if found is None:
                raise LookupError(f"the emulator has no virtual network {network_id}")
            virtual_networks.add_subnet(found, name, network_policies)
            return network_id.child("subnets", name)

    def occupy(self, subnet: ArmId | str, seconds: float) -> None:
        """Begin an operation of another caller in a subnet: until it ends, others are refused.

        Raises:
            LookupError: the emulator has no such subnet.
        """
        with self._world.lock:
            self._world.settle()
            _, found = self._find_subnet(as_id(subnet))
            found.operation = operations.begin(self._world, seconds, lambda: None)

    # --- private endpoints

    def add_private_endpoint(
        self,
        name: str,
        subnet: ArmId | str,
        target: ArmId | str,
        group_id: str,
        *,
        status: str = "Approved",
        manual: bool = False,
        request_message: str = "",
        resource_group: str | None = None,
    ) -> ArmId:
        """Add an existing private endpoint, with its connection on the target; gives its id.

        It is in the resource group of its virtual network unless `resource_group` names another.

        Raises:
            LookupError: the emulator has no such subnet, or the subnet is full.
        """
        with self._world.lock:
            subnet_id = as_id(subnet)
            network, found = self._find_subnet(subnet_id)
            address = found.free_address({one.address for one in self._world.networking.endpoints_in(subnet_id)})
            if address is None:
                raise LookupError(f"the subnet {subnet_id} has no free address")
            group = ArmId(subnet_id.subscription, resource_group or subnet_id.resource_group)
            endpoint = new_endpoint(
                self._world,
                group.in_group(_PROVIDER, "privateEndpoints", name),
                location=str(network.body["location"]),
                subnet=str(subnet_id),
                target=str(target),
                group_id=group_id,
                is_manual=manual,
                request_message=request_message,
                address=address,
            )
            lives.connect(self._world, endpoint, status)
            return endpoint.id

    def private_endpoints(self) -> list[PrivateEndpointView]:
        """The private endpoints, in order of creation."""
        with self._world.lock:
            self._world.settle()
            return [self._view(one) for one in self._world.networking.endpoints.values()]

    # --- private DNS

    def add_private_dns_zone(
        self,
        name: str,
        *,
        linked_to: Iterable[ArmId | str] = (),
        records: Mapping[str, str] | None = None,
        subscription: str | None = None,
        resource_group: str = "rg-net",
    ) -> ArmId:
        """Add a private DNS zone that is linked to these virtual networks; gives its id.

        `records` are address records of other people: name to address.
        """
        with self._world.lock:
            group = ArmId(subscription or self._inventory.subscription, resource_group)
            zone = new_zone(self._world, group.in_group(_PROVIDER, "privateDnsZones", name))
            zone.records.update(records or {})
            for network in linked_to:
                self._link(zone, as_id(network), "Default")
            return zone.id

    def link_private_dns_zone(
        self, zone: ArmId | str, network: ArmId | str, *, resolution_policy: str = "Default"
    ) -> ArmId:
        """Link a private DNS zone to a virtual network; gives the id of the link.

        Raises:
            LookupError: the emulator has no such zone.
        """
        with self._world.lock:
            return self._link(self._find_zone(zone), as_id(network), resolution_policy)

    def add_zone_group(self, endpoint: ArmId | str, zone: ArmId | str, *, name: str = "default") -> None:
        """Add an existing zone group to a private endpoint, with its record in the zone.

        Raises:
            LookupError: the emulator has no such endpoint.
        """
        with self._world.lock:
            found = self._world.networking.endpoints.get(as_id(endpoint).key)
            if found is None:
                raise LookupError(f"the emulator has no private endpoint {endpoint}")
            zone_id = as_id(zone)
            group = ZoneGroup(name, [(zone_id.name.replace(".", "-"), str(zone_id))], self._world.guid())
            found.zone_groups[name.casefold()] = group
            lives.end_zone_group(self._world, found, group)

    def add_zone_policy(self, group_id: str, zone: ArmId | str, *, after: float = 0.0) -> None:
        """Let a company's policy add a zone group to every private endpoint of a group.

        It does so `after` these seconds, unless the endpoint has a zone group by then.
        """
        with self._world.lock:
            self._world.networking.policies.append(ZonePolicy(group_id, str(as_id(zone)), after))

    def private_dns_zones(self) -> list[PrivateDnsZoneView]:
        """The private DNS zones, in order of creation."""
        with self._world.lock:
            self._world.settle()
            return [self._view_zone(zone) for zone in self._world.networking.zones.values()]

    def resolve(self, network: ArmId | str, host: str) -> str | None:
        """The address of a host inside a virtual network: a private one, or `public`.

        None: a linked zone without a record hides the public name.
        """
        with self._world.lock:
            self._world.settle()
            return lives.resolve(self._world, as_id(network), host)

    # ---

    def _find_subnet(self, subnet_id: ArmId) -> tuple[VirtualNetwork, Subnet]:
        found = self._world.networking.find_subnet(subnet_id)
        if found is None:
            raise LookupError(f"the emulator has no subnet {subnet_id}")
        return found

    def _find_zone(self, zone: ArmId | str) -> Zone:
        found = self._world.networking.zones.get(as_id(zone).key)
        if found is None:
            raise LookupError(f"the emulator has no private DNS zone {zone}")
        return found

    def _link(self, zone: Zone, network: ArmId, policy: str) -> ArmId:
        body: dict[str, Any] = {"registrationEnabled": False, "resolutionPolicy": policy, "tags": {}}
        link_id = zone.id.child("virtualNetworkLinks", network.name)
        return new_link(self._world, link_id, zone, str(network), body).id

    def _view(self, endpoint: PrivateEndpoint) -> PrivateEndpointView:
        return PrivateEndpointView(
            id=endpoint.id,
            subnet=as_id(endpoint.subnet),
            target=endpoint.target,
            group_id=endpoint.group_id,
            is_manual=endpoint.is_manual,
            provisioning_state=endpoint.provisioning_state,
            status=lives.connection_status(self._world, endpoint)[0],
            address=endpoint.address,
            zone_groups=tuple(group.name for group in endpoint.zone_groups.values()),
        )

    def _view_zone(self, zone: Zone) -> PrivateDnsZoneView:
        links = self._world.networking.links_of(zone)
        return PrivateDnsZoneView(zone.id, tuple(as_id(link.network) for link in links), dict(zone.records))
