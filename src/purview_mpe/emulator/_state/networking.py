"""The customer's own networks: virtual networks, private endpoints in them, private DNS zones and their links."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Network
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection

    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Connection, Operation

# Azure keeps the first four addresses of a subnet for itself, and the last one (documentation).
_FIRST = 4


@dataclass(slots=True)
class Subnet:
    """A subnet. It takes one operation on its private endpoints at a time."""

    name: str
    prefix: str
    network_policies: str = "Disabled"
    operation: Operation | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.operation is not None and not self.operation.is_over

    def free_address(self, taken: Collection[str]) -> str | None:
        """The first address that no endpoint has; None if the subnet is full."""
        network = IPv4Network(self.prefix, strict=False)
        # Without network and broadcast address, `hosts` begins at the second address.
        free = (str(address) for address in islice(network.hosts(), _FIRST - 1, None))
        return next((address for address in free if address not in taken), None)


@dataclass(slots=True)
class VirtualNetwork:
    """A virtual network."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    subnets: dict[str, Subnet] = field(default_factory=dict[str, Subnet])


@dataclass(slots=True)
class ZoneGroup:
    """Writes the address of a private endpoint into private DNS zones."""

    name: str
    zones: list[tuple[str, str]]
    """Pairs of a name and the id of a zone."""
    etag: str
    provisioning_state: str = "Updating"
    records: dict[str, str] = field(default_factory=dict[str, str])
    """By the key of a zone: the name of the record in it."""


@dataclass(slots=True)
class PrivateEndpoint:
    """A private endpoint in a network of the customer."""

    id: ArmId
    body: dict[str, Any]
    """Location, tags, and the custom name of its network interface."""
    serial: int
    subnet: str
    target: str
    group_id: str
    connection_name: str
    is_manual: bool
    request_message: str
    etag: str
    address: str
    provisioning_state: str = "Updating"
    connection: Connection | None = None
    zone_groups: dict[str, ZoneGroup] = field(default_factory=dict[str, ZoneGroup])
    operation: Operation | None = None
    """The newest operation on one of its zone groups."""

    @property
    def is_busy(self) -> bool:
        """Whether an operation on one of its zone groups is under way."""
        return self.operation is not None and not self.operation.is_over


@dataclass(slots=True)
class Zone:
    """A private DNS zone with its address records: name to address."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    etag: str
    records: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class Link:
    """A link of a virtual network to a zone."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    etag: str
    zone: str
    """The key of the zone."""
    network: str
    """The id of the virtual network."""


@dataclass(frozen=True, slots=True)
class ZonePolicy:
    """A company's policy: every endpoint of a group gets a zone group with this zone."""

    group_id: str
    zone: str
    after: float


NetworkResource: TypeAlias = VirtualNetwork | PrivateEndpoint | Zone


@dataclass(slots=True)
class Networking:
    """The state of Microsoft.Network in one emulator; resources are found by the key of their id."""

    networks: dict[str, VirtualNetwork] = field(default_factory=dict[str, VirtualNetwork])
    endpoints: dict[str, PrivateEndpoint] = field(default_factory=dict[str, PrivateEndpoint])
    zones: dict[str, Zone] = field(default_factory=dict[str, Zone])
    links: dict[str, Link] = field(default_factory=dict[str, Link])
    policies: list[ZonePolicy] = field(default_factory=list[ZonePolicy])

    def find_subnet(self, subnet: ArmId) -> tuple[VirtualNetwork, Subnet] | None:
        """The subnet with this id, and its network."""
        network = self.networks.get(subnet.key.rpartition("/")[0].rpartition("/")[0])
        found = network.subnets.get(subnet.name.casefold()) if network else None
        return None if network is None or found is None else (network, found)

    def endpoints_in(self, subnet: ArmId) -> list[PrivateEndpoint]:
        """The private endpoints in a subnet."""
        return [one for one in self.endpoints.values() if one.subnet.casefold() == subnet.key]

    def links_of(self, zone: Zone) -> list[Link]:
        """The links of a zone."""
        return [link for link in self.links.values() if link.zone == zone.id.key]

    def zones_of(self, network: ArmId) -> list[tuple[Zone, Link]]:
        """The zones that a virtual network is linked to."""
        found = [(self.zones.get(link.zone), link) for link in self.links.values()]
        return [(zone, link) for zone, link in found if zone is not None and link.network.casefold() == network.key]

    def resources(self) -> list[NetworkResource]:
        """The top-level resources."""
        return [*self.networks.values(), *self.endpoints.values(), *self.zones.values()]

    def remove(self, key: str) -> bool:
        """Remove a virtual network, a zone with its links, or a link; gives whether it existed."""
        if (zone := self.zones.pop(key, None)) is not None:
            for link in self.links_of(zone):
                del self.links[link.id.key]
            return True
        return any(found.pop(key, None) is not None for found in (self.networks, self.links))
