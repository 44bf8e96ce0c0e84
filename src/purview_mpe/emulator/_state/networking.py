"""The customer's own networks: virtual networks, private endpoints in them, private DNS zones and their links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe.emulator._state.nouns import Connection, Operation


@dataclass(slots=True)
class Subnet:
    """A subnet; it takes one operation on its private endpoints at a time."""

    name: str
    prefix: str
    network_policies: str = "Disabled"
    operation: Operation | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.operation is not None and not self.operation.is_over


@dataclass(slots=True)
class VirtualNetwork:
    """A virtual network."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    subnets: dict[str, Subnet] = field(default_factory=dict[str, Subnet])


@dataclass(slots=True)
class ZoneGroup:
    """What writes the addresses of a private endpoint into zones."""

    name: str
    zones: list[tuple[str, str]]
    """Pairs of a name and the id of a zone."""
    etag: str
    provisioning_state: str = "Updating"
    records: dict[str, str] = field(default_factory=dict[str, str])
    """By the key of a zone: the name of the record in it."""


@dataclass(slots=True)
class PrivateEndpoint:
    """A private endpoint of the customer's own."""

    id: ArmId
    body: dict[str, Any]
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


@dataclass(slots=True)
class Zone:
    """A private DNS zone with its address records: name to addresses."""

    id: ArmId
    body: dict[str, Any]
    serial: int
    etag: str
    records: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


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


NetworkResource: TypeAlias = VirtualNetwork | PrivateEndpoint | Zone


@dataclass(slots=True)
class Networking:
    """Everything of Microsoft.Network in one emulator, each by the key of its id."""

    networks: dict[str, VirtualNetwork] = field(default_factory=dict[str, VirtualNetwork])
    endpoints: dict[str, PrivateEndpoint] = field(default_factory=dict[str, PrivateEndpoint])
    zones: dict[str, Zone] = field(default_factory=dict[str, Zone])
    links: dict[str, Link] = field(default_factory=dict[str, Link])
    policies: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Group id and zone: a policy of the company writes this zone group for every endpoint of the group."""

    def find_subnet(self, subnet: ArmId) -> tuple[VirtualNetwork, Subnet] | None:
        """The subnet with this id, and its network."""
        network = self.networks.get(subnet.key.rpartition("/")[0].rpartition("/")[0])
        found = network.subnets.get(subnet.name.casefold()) if network else None
        return None if network is None or found is None else (network, found)

    def resources(self) -> list[NetworkResource]:
        """The top-level resources."""
        return [*self.networks.values(), *self.endpoints.values(), *self.zones.values()]

    def remove(self, key: str) -> bool:
        """Take a top-level resource or a link away at once; gives whether there was one."""
        for found in (self.networks, self.links):
            if found.pop(key, None) is not None:
                return True
        if self.zones.pop(key, None) is not None:
            for link in [link for link in self.links.values() if link.zone == key]:
                del self.links[link.id.key]
            return True
        return False
