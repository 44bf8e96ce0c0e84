"""What a network of the customer's own holds already, as far as private endpoints are concerned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._model.arm_id import ArmId, folded, same_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from purview_mpe._model.results import Endpoint


@dataclass(frozen=True, slots=True)
class PrivateEndpoint:
    """A private endpoint of the customer's own, as Microsoft.Network shows it."""

    endpoint: Endpoint
    subnet: str
    """Id of the subnet that it is in."""
    is_manual: bool = False
    """Whether its connection waits for the target's owner; it stays so after the approval (recorded)."""

    @property
    def id(self) -> ArmId:
        """The parsed id."""
        return ArmId.parse(self.endpoint.id)


@dataclass(frozen=True, slots=True)
class VirtualNetwork:
    """A virtual network, as far as private endpoints need it."""

    location: str
    has_subnet: bool
    """Whether it has the subnet."""
    groups: tuple[ArmId, ...] = ()
    """The resource groups of the private endpoints that are in the subnet."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A private DNS zone of a name that the endpoints need."""

    id: ArmId
    links: tuple[tuple[str, str], ...] = ()
    """Pairs of the name of a link and the id of its virtual network."""

    @property
    def name(self) -> str:
        """Name of the zone: the domain."""
        return self.id.name

    def link_to(self, network: ArmId) -> str | None:
        """Name of the link to a virtual network; None if it is not linked."""
        return next((name for name, linked in self.links if same_id(linked, network)), None)


@dataclass(frozen=True, slots=True)
class Record:
    """An address record in a private DNS zone."""

    zone: str
    """Id of the zone."""
    name: str
    addresses: tuple[str, ...] = ()
    """Empty if the zone holds no such record."""

    @property
    def key(self) -> tuple[str, str]:
        """Equal for the same record, however it is spelled."""
        return folded(self.zone), folded(self.name)


@dataclass(frozen=True, slots=True)
class ZoneGroup:
    """A zone group of a private endpoint."""

    name: str
    state: str = ""
    """Azure's word for its state; empty if it gives none."""
    zones: tuple[str, ...] = ()
    """Ids of the zones that it writes records into."""
    records: tuple[Record, ...] = ()
    """The records that it wrote, with the addresses of the private endpoint."""

    def holds(self, zone: ArmId) -> bool:
        """True if it writes records into a zone."""
        return any(same_id(held, zone) for held in self.zones)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a network has already, as far as this caller can see it."""

    network: VirtualNetwork
    endpoints: tuple[PrivateEndpoint, ...] = ()
    """The private endpoints in the resource groups that were read."""
    zones: tuple[Zone, ...] = ()
    zone_groups: Mapping[str, tuple[ZoneGroup, ...]] = field(default_factory=dict[str, tuple[ZoneGroup, ...]])
    """By the key of a private endpoint: its zone groups, of which it has one at most (docs)."""
    records: Mapping[tuple[str, str], Record] = field(default_factory=dict[tuple[str, str], Record])
    """By their keys: records as the zones hold them now; one that could not be read is missing."""
    zone_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By group id: the zones that resolve its names."""
    offered: tuple[str, ...] = ()
    """The group ids that the account itself offers; empty if that cannot be read."""
    hidden_zones: tuple[str, ...] = ()
    """Why not every zone could be searched, in Azure's words."""
    hidden_endpoints: tuple[str, ...] = ()
    """Why not every private endpoint of the subnet could be read, in Azure's words."""
