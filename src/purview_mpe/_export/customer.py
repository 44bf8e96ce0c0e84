"""The customer's own private endpoints and DNS zones, which a self-hosted integration runtime needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from purview_mpe._export.resources import (
    PRIVATE_ENDPOINT_TYPE,
    ZONE_GROUP_TYPE,
    ZONE_LINK_TYPE,
    ZONE_TYPE,
    Bundle,
    Resource,
    in_turn,
    unique_words,
)
from purview_mpe._model.arm_id import ArmId, InvalidArmId
from purview_mpe._model.matrix import requirement
from purview_mpe._model.naming import OPTIONAL_GROUPS
from purview_mpe._model.network import SUBNET_TYPE, ZONES, Approval
from purview_mpe._model.results import Target
from purview_mpe.errors import InvalidSpec, UnsupportedSetup

if TYPE_CHECKING:
    from purview_mpe._azure.clients import Cloud
    from purview_mpe._export.resources import Value
    from purview_mpe._model.results import Account

_VNET_TYPE = "Microsoft.Network/virtualNetworks"
_GROUP_TYPE = "Microsoft.Resources/resourceGroups"

# Microsoft.Network's rules for names of private endpoints (docs: naming rules): 2 to 64 characters.
_NAME = re.compile(r"[A-Za-z0-9](?:[-\w.]{0,62}[A-Za-z0-9_])", re.ASCII)
_LOCATION = re.compile(r"[A-Za-z][A-Za-z0-9 ]{1,49}")
# Terraform's azurerm provider refuses longer texts, as does Azure (public code).
_MESSAGE_LIMIT = 140


@dataclass(frozen=True, slots=True)
class Site:
    """Where the endpoints go: everything that the account does not show."""

    group: ArmId
    subnet: str
    network: str
    network_name: str
    location: str
    name: str
    zone_ids: Mapping[str, str]
    approval: Approval
    request_message: str
    cloud: Cloud


def check_kinds(
    *, texts: Mapping[str, object], optional: Mapping[str, object], groups: object, zone_ids: object
) -> None:
    """Refuse arguments of the wrong type, before they are used.

    Raises:
        InvalidSpec: listing every one of them.
    """
    given = {**texts} | {field: value for field, value in optional.items() if value is not None}
    problems = [
        (field, f"is a {type(value).__name__}; pass text")
        for field, value in given.items()
        if not isinstance(value, str)
    ]
    if groups is not None and not _are_texts(groups):
        problems.append(("groups", "must be a list of group ids, for example ('account', 'blob')"))
    if zone_ids is not None and not _maps_texts(zone_ids):
        problems.append(("zone_ids", "must be a mapping of group ids to the ids of private DNS zones"))
    if problems:
        raise InvalidSpec("Export", problems)


def _are_texts(value: object) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return False
    return all(isinstance(one, str) for one in cast("Sequence[object]", value))


def _maps_texts(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    pairs = cast("Mapping[object, object]", value).items()
    return all(isinstance(key, str) and isinstance(one, str) for key, one in pairs)


def chosen_targets(account: Account, groups: Sequence[str] | None) -> tuple[Target, ...]:
    """The targets that need an endpoint of the customer's own.

    Raises:
        InvalidSpec: `groups` names a group that the account does not offer.
        UnsupportedSetup: the firewall demands none, or cannot be read.
    """
    offered = {target.group_id: target for target in account.targets}
    if groups is None:
        groups = _demanded(account, tuple(offered))
    # The account itself offers the groups that lineage does not need (spec).
    offered |= {
        group: Target(group_id=group, resource_id=account.id, connections="account")
        for group in groups
        if group in OPTIONAL_GROUPS
    }
    if unknown := [group for group in groups if group not in offered]:
        known = ", ".join([*(target.group_id for target in account.targets), *OPTIONAL_GROUPS])
        raise InvalidSpec(
            "Export",
            [
                ("groups", f"{group[:40]!r} is not a group that this account offers; it offers {known}")
                for group in unknown
            ],
        )
    return tuple(offered[group] for group in dict.fromkeys(groups))


def _demanded(account: Account, offered: tuple[str, ...]) -> tuple[str, ...]:
    remedy = "Pass groups=('account', 'blob', 'queue') or others, if you want their endpoints anyway."
    if account.firewall is None:
        raise UnsupportedSetup(
            f"The firewall of {account.name!r} cannot be read, so the endpoints that it demands are unknown.",
            remedy=remedy,
        )
    cell = requirement(account.firewall, "self-hosted", available=offered)
    if not cell.customer_groups:
        raise UnsupportedSetup(f"No endpoint is demanded for {account.name!r}: {cell.reason}", remedy=remedy)
    return cell.customer_groups


def checked_site(
    account: Account,
    targets: Sequence[Target],
    *,
    subnet_id: str,
    virtual_network_id: str | None,
    resource_group_id: str | None,
    location: str,
    name: str | None,
    zone_ids: Mapping[str, str],
    approval: Approval,
    request_message: str,
    cloud: Cloud,
) -> Site:
    """The site, if every argument obeys its rule.

    Raises:
        InvalidSpec: listing every wrong argument.
    """
    problems: list[tuple[str, str]] = []
    subnet = _id("subnet_id", subnet_id, SUBNET_TYPE, problems)
    # An id is empty only if it was derived from a wrong id, which is already reported.
    in_network = virtual_network_id or _outer(subnet)
    network = _id("virtual_network_id", in_network, _VNET_TYPE, problems) if in_network else ""
    in_group = resource_group_id or _group_of(network)
    group = _id("resource_group_id", in_group, _GROUP_TYPE, problems) if in_group else ""
    zones = {key: _id(f"zone_ids.{key}", value, ZONE_TYPE, problems) for key, value in zone_ids.items()}
    base = f"pe-{account.name}" if name is None else name
    problems += _wrong_words(location, approval, request_message, cloud)
    problems += _wrong_targets(targets, base, zone_ids, cloud)
    if problems:
        raise InvalidSpec("Export", list(dict.fromkeys(problems)))
    return Site(
        group=ArmId.parse(group),
        subnet=subnet,
        network=network,
        network_name=ArmId.parse(network).name,
        location=location.replace(" ", "").lower(),
        name=base,
        zone_ids=zones,
        approval=approval,
        request_message=request_message,
        cloud=cloud,
    )


def _wrong_words(location: str, approval: str, request_message: str, cloud: str) -> Iterator[tuple[str, str]]:
    """Each argument that is not an id, where it breaks its rule."""
    if cloud not in ZONES:
        yield "cloud", f"{cloud!r} is not one of {', '.join(ZONES)}"
    if approval not in {"automatic", "manual"}:
        yield "approval", f"{approval!r} is neither 'automatic' nor 'manual'"
    if not _LOCATION.fullmatch(location):
        yield "location", f"{location[:60]!r} is not an Azure region, for example 'westeurope'"
    if not 1 <= len(request_message.strip()) <= len(request_message) <= _MESSAGE_LIMIT:
        yield "request_message", f"must have 1 to {_MESSAGE_LIMIT} characters"


def _wrong_targets(
    targets: Iterable[Target], base: str, zone_ids: Mapping[str, str], cloud: Cloud
) -> Iterator[tuple[str, str]]:
    """Each target whose private endpoint has no valid name, or no DNS zone."""
    known = {**ZONES.get(cloud, {}), **zone_ids}
    rule = "must be 2 to 64 letters, digits and - _ . that begin with a letter or digit, for example 'pe-purview'"
    for target in targets:
        endpoint = f"{base}-{target.group_id}"
        if not _NAME.fullmatch(endpoint):
            yield "name", f"the name {endpoint[:100]!r} {rule}"
        if cloud in ZONES and target.group_id not in known:
            yield "zone_ids", f"no DNS zone is documented for {target.group_id!r} in this cloud; pass the id of yours"


def _id(field: str, value: str, resource_type: str, problems: list[tuple[str, str]]) -> str:
    """The id in its canonical spelling (Terraform's comparison is case-sensitive); a problem is added, not raised."""
    try:
        arm_id = ArmId.parse(value)
    except InvalidArmId as error:
        problems.append((field, str(error)))
        return ""
    if not arm_id.is_a(resource_type):
        problems.append((field, f"is the id of a {arm_id.type}, not of a {resource_type}"))
        return ""
    if not arm_id.types:
        return str(arm_id)
    provider, *types = resource_type.split("/")
    return str(ArmId(arm_id.subscription, arm_id.resource_group, provider, tuple(types), arm_id.names))


def _outer(subnet: str) -> str:
    return subnet.rpartition("/subnets/")[0]


def _group_of(resource_id: str) -> str:
    return resource_id.partition("/providers/")[0]


def customer_bundle(account: Account, targets: Sequence[Target], site: Site) -> Bundle:
    """First the zones with their links, then each endpoint with the group that writes its DNS records."""
    taken: set[str] = set()
    zones: dict[str, Resource] = {}
    endpoints: list[Resource] = []
    latest: dict[str, Resource] = {}
    for target in targets:
        group_id = target.group_id
        if group_id not in site.zone_ids:
            zones[group_id] = _zone(group_id, site, taken)
        endpoint = _endpoint(target, site, taken, in_turn(latest, target.resource_id))
        latest[target.resource_id.casefold()] = endpoint
        endpoints += [endpoint, _zone_group(endpoint, group_id, zones.get(group_id) or site.zone_ids[group_id], taken)]
    links = [_link(zone, group_id, site, taken) for group_id, zone in zones.items()]
    approval = (
        "Each connection is Pending until the owner of its target approves it."
        if site.approval == "manual"
        else "To run this you need the right to approve connections on every target, because they are approved at once."
    )
    notes = (
        f"Private endpoints for the Purview account {account.name} in the network {site.network_name},",
        "where self-hosted integration runtimes live. They are not the factory's managed private endpoints.",
        approval,
    )
    return Bundle(
        "Private endpoints of your own for Microsoft Purview",
        notes,
        site.group,
        (*zones.values(), *links, *endpoints),
        site.cloud,
    )


def _zone(group_id: str, site: Site, taken: set[str]) -> Resource:
    words = unique_words((group_id, "zone"), taken)
    return Resource(words, ZONE_TYPE, site.group, ZONES[site.cloud][group_id], location="global")


def _link(zone: Resource, group_id: str, site: Site, taken: set[str]) -> Resource:
    return Resource(
        unique_words((group_id, "zone", "link"), taken),
        ZONE_LINK_TYPE,
        zone,
        f"link-{site.network_name}"[:80],
        {"registrationEnabled": False, "virtualNetwork": {"id": site.network}},
        location="global",
    )


def _endpoint(target: Target, site: Site, taken: set[str], after: tuple[Resource, ...]) -> Resource:
    name = f"{site.name}-{target.group_id}"
    asked: dict[str, Value] = {"privateLinkServiceId": target.resource_id, "groupIds": [target.group_id]}
    manual = site.approval == "manual"
    if manual:
        asked["requestMessage"] = site.request_message
    connections = "manualPrivateLinkServiceConnections" if manual else "privateLinkServiceConnections"
    return Resource(
        unique_words((target.group_id, "endpoint"), taken),
        PRIVATE_ENDPOINT_TYPE,
        site.group,
        name,
        {"subnet": {"id": site.subnet}, connections: [{"name": name, "properties": asked}]},
        location=site.location,
        after=after,
    )


def _zone_group(endpoint: Resource, group_id: str, zone: Resource | str, taken: set[str]) -> Resource:
    zone_name = zone.name if isinstance(zone, Resource) else zone.rpartition("/")[2]
    config: dict[str, Value] = {
        "name": zone_name.replace(".", "-"),
        "properties": {"privateDnsZoneId": zone},
    }
    return Resource(
        unique_words((group_id, "zone", "group"), taken),
        ZONE_GROUP_TYPE,
        endpoint,
        "default",
        {"privateDnsZoneConfigs": [config]},
    )
