"""The customer's own networks, as a test sets them up and sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId
from purview_mpe.emulator._services.network import lives
from purview_mpe.emulator._services.network.private_endpoints import new_endpoint
from purview_mpe.emulator._services.network.virtual_networks import new_network
from purview_mpe.emulator._services.network.zones import new_link, new_zone
from purview_mpe.emulator._state.networking import ZoneGroup
from purview_mpe.emulator._values.json_values import as_id
from purview_mpe.emulator._values.public import public

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe.emulator._control.inventory import Inventory
    from purview_mpe.emulator._state.networking import PrivateEndpoint, Zone
    from purview_mpe.emulator._state.world import World


@public
@dataclass(frozen=True, slots=True)
class PrivateEndpointView:
    """A private endpoint of the customer's own."""

    id: ArmId
    """Its id."""
    subnet: ArmId
    """The subnet that it is in."""
    target: str
    """The id of what it leads to."""
    group_id: str
    """Which part of the target it leads to."""
    is_manual: bool
    """Whether its connection waits for the owner of the target."""
    provisioning_state: str
    """Updating, Succeeded, Failed or Deleting."""
    status: str
    """The state of its connection on the target."""
    zone_groups: tuple[str, ...]
    """The names of its zone groups, which is one at most."""


@public
@dataclass(frozen=True, slots=True)
class ZoneView:
    """A private DNS zone."""

    id: ArmId
    """Its id."""
    links: tuple[ArmId, ...]
    """The virtual networks that are linked to it."""
    records: tuple[str, ...]
    """The names of its address records."""


@public
class Networks:
    """The virtual networks, private endpoints and private DNS zones of one emulator."""

    def __init__(self, world: World, inventory: Inventory) -> None:
        self._world = world
        self._inventory = inventory

    def add_virtual_network(
        self,
        name: str = "vnet-hub",
        *,
        subnets: Iterable[str] = ("snet-pe",),
        subscription: str | None = None,
        resource_group: str = "rg-net",
        location: str | None = None,
    ) -> ArmId:
        """Add a virtual network; gives its id. The id of a subnet is `network.child("subnets", "snet-pe")`."""
        with self._world.lock:
            group = ArmId(subscription or self._inventory.subscription, resource_group)
            network_id = group.in_group("Microsoft.Network", "virtualNetworks", name)
            return new_network(self._world, network_id, location or self._inventory.location, subnets).id

    def add_private_endpoint(
        self,
        name: str,
        subnet: ArmId | str,
        target: ArmId | str,
        group_id: str,
        *,
        status: str = "Approved",
        manual: bool = False,
        resource_group: str | None = None,
    ) -> ArmId:
        """Add a private endpoint that is already there, with its connection on the target; gives its id.

        It is in the resource group of its virtual network unless `resource_group` names another.

        Raises:
            LookupError: the emulator has no such subnet.
        """
        with self._world.lock:
            subnet_id = as_id(subnet)
            found = self._world.networking.find_subnet(subnet_id)
            if found is None:
                raise LookupError(f"the emulator has no subnet {subnet_id}")
            group = ArmId(subnet_id.subscription, resource_group or subnet_id.resource_group)
            endpoint = new_endpoint(
                self._world,
                group.in_group("Microsoft.Network", "privateEndpoints", name),
                location=str(found[0].body["location"]),
                subnet=str(subnet_id),
                target=str(target),
                group_id=group_id,
                is_manual=manual,
            )
            lives.connect(self._world, endpoint, status)
            return endpoint.id

    def add_private_dns_zone(
        self,
        name: str,
        *,
        linked_to: Iterable[ArmId | str] = (),
        subscription: str | None = None,
        resource_group: str = "rg-net",
    ) -> ArmId:
        """Add a private DNS zone that is linked to these virtual networks; gives its id."""
        with self._world.lock:
            group = ArmId(subscription or self._inventory.subscription, resource_group)
            zone = new_zone(self._world, group.in_group("Microsoft.Network", "privateDnsZones", name))
            for network in linked_to:
                network_id = as_id(network)
                new_link(self._world, zone.id.child("virtualNetworkLinks", network_id.name), zone, str(network_id))
            return zone.id

    def add_zone_group(self, endpoint: ArmId | str, zone: ArmId | str, *, name: str = "default") -> None:
        """Give a private endpoint a zone group that is already there, with its record in the zone.

        Raises:
            LookupError: the emulator has no such endpoint.
        """
        with self._world.lock:
            found = self._world.networking.endpoints.get(as_id(endpoint).key)
            if found is None:
                raise LookupError(f"the emulator has no private endpoint {endpoint}")
            zone_id = as_id(zone)
            group = ZoneGroup(name, [(zone_id.name.replace(".", "-"), str(zone_id))], self._world.etag())
            found.zone_groups[name.casefold()] = group
            lives.end_zone_group(self._world, found, group)

    def add_zone_policy(self, group_id: str, zone: ArmId | str) -> None:
        """Let a policy of the company give every new private endpoint of a group a zone group of its own."""
        with self._world.lock:
            self._world.networking.policies.append((group_id, str(as_id(zone))))

    def private_endpoints(self) -> list[PrivateEndpointView]:
        """The private endpoints, in order of creation."""
        with self._world.lock:
            self._world.settle()
            return [self._view(one) for one in self._world.networking.endpoints.values()]

    def zones(self) -> list[ZoneView]:
        """The private DNS zones, in order of creation."""
        with self._world.lock:
            self._world.settle()
            return [self._view_zone(zone) for zone in self._world.networking.zones.values()]

    def _view(self, endpoint: PrivateEndpoint) -> PrivateEndpointView:
        return PrivateEndpointView(
            id=endpoint.id,
            subnet=as_id(endpoint.subnet),
            target=endpoint.target,
            group_id=endpoint.group_id,
            is_manual=endpoint.is_manual,
            provisioning_state=endpoint.provisioning_state,
            status=lives.connection_status(self._world, endpoint)[0],
            zone_groups=tuple(group.name for group in endpoint.zone_groups.values()),
        )

    def _view_zone(self, zone: Zone) -> ZoneView:
        links = [link for link in self._world.networking.links.values() if link.zone == zone.id.key]
        return ZoneView(zone.id, tuple(as_id(link.network) for link in links), tuple(zone.records))
