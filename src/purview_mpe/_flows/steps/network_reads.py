"""Reading the customer's own network: the virtual network, private endpoints, zones, links and zone groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from purview_mpe._flows.steps import reads
from purview_mpe._model.arm_id import ArmId, folded, same_id
from purview_mpe._model.surroundings import PrivateEndpoint, Record, Surroundings, VirtualNetwork, Zone, ZoneGroup
from purview_mpe._rules.own_network import check_region, is_for, own_targets, zone_names
from purview_mpe._rules.own_zone_groups import records_to_read
from purview_mpe._wire import network as wire
from purview_mpe._wire.errors import Attempt, is_about_the_sign_in
from purview_mpe.errors import AccessDenied, AzureError, NotFound, UnsupportedSetup

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from purview_mpe._flows.steps.io import Clients, Io
    from purview_mpe._model.network import Network, Purpose
    from purview_mpe._model.results import Account, Target
    from purview_mpe._model.spec import Spec

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Observed:
    """What a plan for a network is made from."""

    account: Account
    around: Surroundings
    targets: tuple[Target, ...]


async def observe(io: Io, spec: Spec, network: Network, purpose: Purpose) -> Observed:
    """The account, and everything in the network that concerns the purpose.

    Raises:
        UnsupportedSetup: the account or the virtual network does not fit the purpose.
        NotFound, AccessDenied: the account, the virtual network or the resource group of the private endpoints does not
            exist or cannot be read; or the resource group of new zones does not exist.
    """
    if (account_id := spec.account_id) is None:
        account_id = await reads.connected_account(io, spec)
    account, (virtual_network, offered) = await reads.both(
        io, reads.read_account(io, account_id), _network_and_offer(io, network, account_id)
    )
    check_region(network, virtual_network)
    targets = own_targets(account, purpose, tuple(offered))
    names_of = {target.group_id: zone_names(target.group_id, offered, io.cloud) for target in targets}
    names = {name for zones in names_of.values() for name in zones}
    (endpoints, hidden), found = await reads.both(
        io,
        _list_endpoints(io, network, virtual_network),
        _search_zones(io, network, names if network.dns != "none" else set()),
    )
    ours = [one for one in endpoints if any(is_for(one, target, network) for target in targets)]
    groups = await io.gather([list_zone_groups(io, one.id) for one in ours]) if network.dns != "none" else []
    records = records_to_read([group for listed in groups for group in listed], targets, found.zones, names_of)
    around = Surroundings(
        virtual_network,
        endpoints=tuple(endpoints),
        zones=found.zones,
        zone_groups={one.id.key: names for one, names in zip(ours, groups, strict=False)},
        records={one.key: one for one in await io.gather([_read_record(io, record) for record in records]) if one},
        zone_names=offered,
        offered=tuple(offered),
        hidden_zones=found.hidden,
        hidden_endpoints=hidden,
    )
    return Observed(account, around, targets)


async def _network_and_offer(
    io: Io, network: Network, account_id: ArmId
) -> tuple[VirtualNetwork, dict[str, tuple[str, ...]]]:
    return await reads.both(io, read_virtual_network(io, network), _read_offered(io, account_id))


async def read_virtual_network(io: Io, network: Network) -> VirtualNetwork:
    """The virtual network.

    Raises:
        UnsupportedSetup: it has no such subnet.
    """
    network_id = network.virtual_network_id
    attempt = Attempt(f"read the virtual network {network_id.name!r}", str(network_id), "Reader")
    answer = await io.read(
        attempt, lambda az: az.network(network_id).virtual_networks.get(network_id.resource_group, network_id.name)
    )
    found = wire.read_virtual_network(answer, network)
    if not found.has_subnet:
        raise UnsupportedSetup(
            f"The virtual network {network_id.name!r} has no subnet {network.subnet_id.name!r}.",
            remedy="Set Network.subnet to the id of a subnet that exists: az network vnet subnet list --vnet-name "
            f"{network_id.name} --resource-group {network_id.resource_group} --subscription {network_id.subscription}",
        )
    return found


async def _read_offered(io: Io, account_id: ArmId) -> dict[str, tuple[str, ...]]:
    """The group ids that the account offers, with their zones.

    Empty if they cannot be read, because documented values exist to fall back on.
    """
    attempt = Attempt(f"list the private link resources of {account_id.name!r}", str(account_id), "Reader")
    try:
        items = await io.collect(
            attempt,
            lambda az: az.purview(account_id).private_link_resources.list_by_account(
                account_id.resource_group, account_id.name
            ),
        )
    except AzureError as error:
        if is_about_the_sign_in(error):
            raise
        return {}
    return wire.read_link_resources(items)


async def _list_endpoints(
    io: Io, network: Network, virtual_network: VirtualNetwork
) -> tuple[list[PrivateEndpoint], tuple[str, ...]]:
    """The private endpoints around the subnet, and why some resource groups cannot be read.

    "Around" means in the network's own resource group, and in any other that has a private endpoint in the subnet.
    """
    home = network.group_id
    others = [group for group in virtual_network.groups if not same_id(group, home)]
    at_home, elsewhere = await reads.both(io, list_endpoints_in(io, home), _list_endpoints_of(io, others))
    listed = [at_home, *elsewhere]
    found = [one for part in listed if isinstance(part, list) for one in part]
    return found, tuple(part.message for part in listed if isinstance(part, AccessDenied))


async def _list_endpoints_of(io: Io, groups: Sequence[ArmId]) -> list[list[PrivateEndpoint] | AccessDenied]:
    return await io.gather([_if_allowed(partial(list_endpoints_in, io, group)) for group in groups])


async def list_around(io: Io, network: Network) -> list[PrivateEndpoint]:
    """The private endpoints around the subnet, for a removal.

    Other resource groups that cannot be read are skipped: only private endpoints in the network's own resource group
    are deleted.
    """
    found, _ = await _list_endpoints(io, network, await read_virtual_network(io, network))
    return found


async def list_endpoints_in(io: Io, group: ArmId) -> list[PrivateEndpoint]:
    """The private endpoints of a resource group."""
    attempt = Attempt(f"list the private endpoints of {group.name!r}", str(group), "Reader")
    items = await io.collect(attempt, lambda az: az.network(group).private_endpoints.list(group.resource_group))
    return [one for item in items if (one := wire.read_private_endpoint(item)) is not None]


async def _if_allowed(listing: Callable[[], Coroutine[Any, Any, list[T]]]) -> list[T] | AccessDenied:
    """The items of a list, empty if the resource does not exist; the error if this caller is not allowed to read it."""
    try:
        return await listing()
    except NotFound:
        return []
    except AccessDenied as denied:
        if is_about_the_sign_in(denied):
            raise
        return denied


async def read_endpoint(io: Io, endpoint_id: ArmId) -> PrivateEndpoint | None:
    """The private endpoint as it is now; None if it does not exist."""
    attempt = Attempt(f"read the private endpoint {endpoint_id.name!r}", str(endpoint_id), "Reader")
    answer = await read_or_none(
        io,
        attempt,
        lambda az: az.network(endpoint_id).private_endpoints.get(endpoint_id.resource_group, endpoint_id.name),
    )
    return None if answer is None else wire.read_private_endpoint(answer)


async def read_or_none(io: Io, attempt: Attempt, operation: Callable[[Clients], Any]) -> Mapping[str, Any] | None:
    """A resource as Azure's JSON; None if it does not exist."""
    try:
        return await io.read(attempt, operation)
    except NotFound:
        return None


async def list_zone_groups(io: Io, endpoint_id: ArmId) -> tuple[ZoneGroup, ...]:
    """A private endpoint's zone groups."""
    attempt = Attempt(f"list the zone groups of {endpoint_id.name!r}", str(endpoint_id), "Reader")
    items = await io.collect(
        attempt,
        lambda az: az.network(endpoint_id).private_dns_zone_groups.list(
            private_endpoint_name=endpoint_id.name, resource_group_name=endpoint_id.resource_group
        ),
    )
    return tuple(one for item in items if (one := wire.read_zone_group(item)) is not None)


async def _read_record(io: Io, record: Record) -> Record | None:
    """The record as its zone holds it now; None if this caller is not allowed to read it."""
    zone = ArmId.parse(record.zone)
    attempt = Attempt(f"read the record {record.name!r} of the private DNS zone {zone.name!r}", str(zone), "Reader")
    try:
        answer = await read_or_none(
            io,
            attempt,
            lambda az: az.private_dns(zone).record_sets.get(zone.resource_group, zone.name, "A", record.name),
        )
    except AccessDenied as denied:
        if is_about_the_sign_in(denied):
            raise
        return None
    return wire.read_record(record.zone, record.name, answer)


@dataclass(frozen=True, slots=True)
class _Zones:
    zones: tuple[Zone, ...]
    hidden: tuple[str, ...]


async def _search_zones(io: Io, network: Network, names: set[str]) -> _Zones:
    """The zones of these names in all subscriptions that concern the network, with their links."""
    if not names:
        return _Zones((), ())
    await _look_for_zone_group(io, network)
    groups = [network.zone_group_id, network.group_id, network.virtual_network_id.group]
    subscriptions = list(dict.fromkeys(ArmId(group.subscription.lower(), "all") for group in groups))
    listed = await io.gather([_list_zones(io, one.subscription, groups) for one in subscriptions])
    hidden = [why for _, part in listed for why in part]
    ids = dict.fromkeys(zone for found, _ in listed for zone in found if folded(zone.name) in names)
    links = await io.gather([_if_allowed(partial(_list_links, io, zone)) for zone in ids])
    hidden += [part.message for part in links if isinstance(part, AccessDenied)]
    zones = [Zone(zone, tuple(part) if isinstance(part, list) else ()) for zone, part in zip(ids, links, strict=True)]
    return _Zones(tuple(zones), tuple(hidden))


async def _look_for_zone_group(io: Io, network: Network) -> None:
    """Look for the resource group of new zones before anything is written.

    Raises:
        NotFound: it does not exist.
    """
    is_known = same_id(network.zone_group_id, network.group_id)  # the private endpoints in it are listed
    if network.dns == "create" and not is_known:
        try:
            await _list_zones_in(io, network.zone_group_id)
        except AccessDenied as denied:
            if is_about_the_sign_in(denied):
                raise


async def _list_zones(io: Io, subscription: str, groups: Sequence[ArmId]) -> tuple[list[ArmId], list[str]]:
    """The zones of a subscription, and the reasons why others cannot be read.

    If Azure lists the zones of the whole subscription, the result is all of them. If Azure refuses, the result is the
    zones in the network's own resource groups there.
    """
    inside = [group for group in dict.fromkeys(groups) if folded(group.subscription) == folded(subscription)]
    attempt = Attempt("list the private DNS zones of the subscription", f"/subscriptions/{subscription}", "Reader")
    whole = await _if_allowed(lambda: io.collect(attempt, lambda az: az.private_dns(inside[0]).private_zones.list()))
    if not isinstance(whole, AccessDenied):
        return _zone_ids(whole), []
    parts = await io.gather([_if_allowed(partial(_list_zones_in, io, group)) for group in inside])
    found = [zone for part in parts if isinstance(part, list) for zone in _zone_ids(part)]
    return found, [whole.message]


async def _list_zones_in(io: Io, group: ArmId) -> list[dict[str, Any]]:
    attempt = Attempt(f"list the private DNS zones of {group.name!r}", str(group), "Reader")
    return await io.collect(
        attempt, lambda az: az.private_dns(group).private_zones.list_by_resource_group(group.resource_group)
    )


def _zone_ids(items: Sequence[Mapping[str, Any]]) -> list[ArmId]:
    return [zone for item in items if (zone := wire.read_zone_id(item)) is not None]


async def _list_links(io: Io, zone: ArmId) -> list[tuple[str, str]]:
    attempt = Attempt(f"list the links of the private DNS zone {zone.name!r}", str(zone), "Reader")
    items = await io.collect(
        attempt, lambda az: az.private_dns(zone).virtual_network_links.list(zone.resource_group, zone.name)
    )
    return [link for item in items if (link := wire.read_link(item)) is not None]
