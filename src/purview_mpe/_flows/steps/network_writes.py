"""What is created and deleted in the customer's own network: one small piece of work for each kind of resource."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps.network_reads import list_zone_groups, read_endpoint, read_or_none
from purview_mpe._flows.steps.operations import Found
from purview_mpe._model import states
from purview_mpe._model.arm_id import same_id
from purview_mpe._wire import network as wire
from purview_mpe._wire.errors import Attempt
from purview_mpe._wire.reading import line, mapping
from purview_mpe.errors import AccessDenied, ProvisioningFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.network import Network
    from purview_mpe._model.results import Step
    from purview_mpe._model.surroundings import PrivateEndpoint
    from purview_mpe._wire.operations import Operation

ENDPOINT_ROLE = "Network Contributor"
ZONE_ROLE = "Private DNS Zone Contributor"
#: Create only: a zone or link that another caller has created in the meantime is not overwritten (SDK source).
_ONLY_NEW = {"If-None-Match": "*"}


@dataclass
class EndpointWork:
    """A private endpoint, to be created."""

    io: Io
    network: Network
    step: Step
    id: ArmId
    location: str
    message: str
    """The text for the target's owner, if the connection waits for that person."""
    is_manual: bool
    attempt: Attempt = field(init=False)
    subnet: str = field(init=False)

    def __post_init__(self) -> None:
        what = f"create the private endpoint {self.step.name!r}"
        self.attempt = Attempt(what, str(self.id), ENDPOINT_ROLE, home=str(self.id.group))
        self.subnet = self.network.subnet

    async def send(self) -> Operation | None:
        """Send the creation; a caller who is not allowed to approve gets a connection that waits for the owner."""
        try:
            return await self._put()
        except AccessDenied as denied:
            if self.is_manual or not wire.is_lack_of_approval(denied.azure_code, denied.message):
                raise
        self.is_manual = True
        return await self._put()

    async def _put(self) -> Operation | None:
        body = wire.private_endpoint_body(
            self.step, self.network, location=self.location, message=self.message if self.is_manual else None
        )
        return await self.io.begin(
            self.attempt,
            lambda az: az.network(self.id).private_endpoints.begin_create_or_update(
                self.id.resource_group, self.id.name, body, polling=False
            ),
        )

    async def read(self) -> Found[PrivateEndpoint] | None:
        """The private endpoint of this name.

        Raises:
            ProvisioningFailed: it leads to another target, or is in another subnet.
        """
        found = await read_endpoint(self.io, self.id)
        if found is None:
            return None
        if not wire.leads_to(found, self.step, self.network.subnet):
            raise ProvisioningFailed(
                f"The name {self.step.name!r} was taken meanwhile by a private endpoint to "
                f"{found.endpoint.resource_id or 'another target'}.",
                remedy="Plan again, and choose another base name for this network (Spec.name).",
            )
        return Found(found, found.endpoint.provisioning_state)


@dataclass
class ZoneWork:
    """A private DNS zone, to be created."""

    io: Io
    id: ArmId
    subnet: str
    attempt: Attempt = field(init=False)

    def __post_init__(self) -> None:
        what = f"create the private DNS zone {self.id.name!r}"
        self.attempt = Attempt(what, str(self.id), ZONE_ROLE, is_guarded=True, home=str(self.id.group))

    async def send(self) -> Operation | None:
        """Send the creation."""
        return await self.io.begin(
            self.attempt,
            lambda az: az.private_dns(self.id).private_zones.begin_create_or_update(
                self.id.resource_group, self.id.name, wire.zone_body(), polling=False, headers=dict(_ONLY_NEW)
            ),
        )

    async def read(self) -> Found[ArmId] | None:
        """The zone."""
        attempt = Attempt(f"read the private DNS zone {self.id.name!r}", str(self.id), "Reader")
        answer = await read_or_none(
            self.io, attempt, lambda az: az.private_dns(self.id).private_zones.get(self.id.resource_group, self.id.name)
        )
        return _found(answer, self.id)


@dataclass
class LinkWork:
    """A link from the virtual network to a zone, to be created."""

    io: Io
    network: Network
    zone: ArmId
    name: str
    attempt: Attempt = field(init=False)
    subnet: str = field(init=False)

    def __post_init__(self) -> None:
        network = self.network.virtual_network_id.name
        what = f"link the virtual network {network!r} to the private DNS zone {self.zone.name!r}"
        self.attempt = Attempt(what, str(self.zone), ZONE_ROLE, is_guarded=True)
        self.subnet = self.network.subnet

    async def send(self) -> Operation | None:
        """Send the creation."""
        return await self.io.begin(
            self.attempt,
            lambda az: az.private_dns(self.zone).virtual_network_links.begin_create_or_update(
                self.zone.resource_group,
                self.zone.name,
                self.name,
                wire.link_body(self.network.virtual_network_id),
                polling=False,
                headers=dict(_ONLY_NEW),
            ),
        )

    async def read(self) -> Found[str] | None:
        """The link.

        Raises:
            ProvisioningFailed: it leads to another virtual network.
        """
        attempt = Attempt(f"read the link {self.name!r} of {self.zone.name!r}", str(self.zone), "Reader")
        answer = await read_or_none(
            self.io,
            attempt,
            lambda az: az.private_dns(self.zone).virtual_network_links.get(
                self.zone.resource_group, self.zone.name, self.name
            ),
        )
        link = None if answer is None else wire.read_link(answer)
        if link is not None and not same_id(link[1], self.network.virtual_network_id):
            raise ProvisioningFailed(
                f"The name {self.name!r} was taken meanwhile by another virtual network's link to {self.zone.name!r}.",
                remedy="Repeat the call: it gives the link another name.",
            )
        return _found(answer, self.name)


@dataclass
class ZoneGroupWork:
    """A private endpoint's zone group, to be created."""

    io: Io
    id: ArmId
    """Id of the zone group; its parent is the private endpoint."""
    zones: tuple[str, ...]
    subnet: str
    attempt: Attempt = field(init=False)

    def __post_init__(self) -> None:
        what = f"create the zone group of the private endpoint {self.id.names[0]!r}"
        self.attempt = Attempt(what, str(self.id), ENDPOINT_ROLE)

    async def send(self) -> Operation | None:
        """Send the creation."""
        return await self.io.begin(
            self.attempt,
            lambda az: az.network(self.id).private_dns_zone_groups.begin_create_or_update(
                self.id.resource_group, self.id.names[0], self.id.name, wire.zone_group_body(self.zones), polling=False
            ),
        )

    async def read(self) -> Found[str] | None:
        """The endpoint's zone group, whatever its name.

        An endpoint has one at most, and an Azure Policy assignment can create it.
        """
        groups = await list_zone_groups(self.io, self.id.outer)
        return Found(groups[0].name, groups[0].state) if groups else None


def _found(answer: Mapping[str, Any] | None, value: Any) -> Found[Any] | None:
    if answer is None:
        return None
    return Found(value, line(mapping(answer, "properties"), "provisioningState"))


@dataclass
class EndpointDeletion:
    """A private endpoint, to be deleted."""

    io: Io
    id: ArmId
    before: PrivateEndpoint
    only_broken: bool = False
    """True if a healthy endpoint must not be deleted."""
    attempt: Attempt = field(init=False)
    subnet: str = field(init=False)

    def __post_init__(self) -> None:
        self.attempt = Attempt(f"delete the private endpoint {self.id.name!r}", str(self.id), ENDPOINT_ROLE)
        self.subnet = self.before.subnet

    async def send(self) -> Operation | None:
        """Send the deletion."""
        return await self.io.begin(
            self.attempt,
            lambda az: az.network(self.id).private_endpoints.begin_delete(
                self.id.resource_group, self.id.name, polling=False
            ),
        )

    async def state(self) -> str | None:
        """Its state; None if it is gone, or if its name now belongs to a private endpoint to another target.

        Raises:
            ProvisioningFailed: only a broken endpoint is deleted, and this one is not broken any more.
        """
        now = await read_endpoint(self.io, self.id)
        if now is None or now.endpoint.identity != self.before.endpoint.identity:
            return None
        state = now.endpoint.provisioning_state
        is_going = states.is_deleting(state)
        if self.only_broken and not is_going and not states.is_broken(state, now.endpoint.connection_status):
            raise ProvisioningFailed(
                f"The private endpoint {self.id.name!r} works again, so it was not replaced.",
                remedy="Repeat the call: it keeps what works.",
            )
        return now.endpoint.provisioning_state or "unknown"
