"""Orphans: connections without an endpoint, endpoints without a target. Pure functions.

A connection does not show the factory's id, only the name of its private endpoint, `<factory>.<endpoint>` (recorded),
and anyone can give that name to a private endpoint. So a row is certain only if the factory was read, has no such
endpoint, and its other private endpoints are in the same resource group as this one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from purview_mpe._model import naming
from purview_mpe._model.arm_id import ArmId, InvalidArmId, folded, last_segment, same_id
from purview_mpe._model.checkup import OrphanConnection, OrphanEndpoint
from purview_mpe._model.spec import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE
from purview_mpe._rules.ownership import home_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from purview_mpe._model.results import Account, Connection, Endpoint
    from purview_mpe._model.survey import KnownFactory

#: Types of resources that endpoints for Purview point to; Azure says whether one exists.
TARGET_TYPES = (ACCOUNT_TYPE, STORAGE_TYPE, NAMESPACE_TYPE)
_GROUPS = frozenset((*naming.LINEAGE_GROUPS, *naming.OPTIONAL_GROUPS))
#: Names of the resource groups in which several services keep their hidden private endpoints:
#: `vnet-92b2afd7-northeurope-55-rg` (recorded).
_HIDDEN_GROUP = re.compile(r"vnet-[0-9a-f]{8}-.+-rg", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """A connection, and the target that shows it."""

    target_id: str
    connection: Connection


def concerns(factory: KnownFactory, account_id: ArmId, seen: Iterable[SeenConnection]) -> bool:
    """True if a factory's endpoints have to be read.

    That holds for factories in the account's subscription, connected to the account, or named by a connection.
    """
    name = factory.id.name.casefold()
    return (
        factory.id.subscription.casefold() == account_id.subscription.casefold()
        or same_id(factory.purview_account, account_id)
        or any((names := _named_by(one.connection)) and names[0].casefold() == name for one in seen)
    )


def orphan_connections(
    seen: Iterable[SeenConnection], factories: Sequence[KnownFactory]
) -> tuple[tuple[OrphanConnection, ...], tuple[SeenConnection, ...]]:
    """The connections that no endpoint of a factory uses, and those that do not show which service they belong to.

    The latter come from Microsoft's managed virtual networks. Other services keep their private endpoints in resource
    groups of the same form, under names of the same form (recorded for Synapse; inferred for Fabric and for Purview's
    own scanning), so they are not reported as orphans of a factory.
    """
    by_name = {folded(factory.id.name): factory for factory in factories}
    rows: list[OrphanConnection] = []
    unattributed: list[SeenConnection] = []
    places: dict[str, int] = {}
    for one in seen:
        places.setdefault(one.target_id, len(places))
        names = _named_by(one.connection)
        if names is None or _is_in_use(one, names, by_name.get(folded(names[0]))):
            continue
        evidence = _evidence(one.connection, names, by_name.get(folded(names[0])))
        if evidence is None:
            continue
        if evidence == "network":
            unattributed.append(one)
        else:
            rows.append(_row(one, names, by_name.get(folded(names[0])), is_proven=evidence == "home"))
    # Targets stay in their order; on each, Azure lists connections in no documented order.
    rows.sort(key=lambda row: (places[row.target_id], folded(row.factory), folded(row.endpoint)))
    return tuple(rows), tuple(unattributed)


def _is_in_use(one: SeenConnection, names: tuple[str, str], factory: KnownFactory | None) -> bool:
    """True if the factory has this endpoint, to this target and, if Azure shows it, with this private endpoint."""
    namesake = _namesake(names[1], factory)
    return (
        namesake is not None
        and same_id(namesake.resource_id, one.target_id)
        and (
            namesake.private_endpoint_id is None
            or same_id(namesake.private_endpoint_id, one.connection.private_endpoint_id)
        )
    )


def _namesake(endpoint: str, factory: KnownFactory | None) -> Endpoint | None:
    endpoints = factory.endpoints if factory is not None else None
    return next((one for one in endpoints or () if folded(one.name) == folded(endpoint)), None)


def _evidence(
    connection: Connection, names: tuple[str, str], factory: KnownFactory | None
) -> Literal["home", "description", "network"] | None:
    """The evidence that Data Factory made the connection; None if there is none.

    The private endpoints of one managed virtual network are in one resource group of Microsoft's (recorded), where no
    customer can create any. So a private endpoint with the factory's name, beside the factory's other ones, belongs to
    the factory. Anyone can write the description, and approving overwrites it (recorded). The form of the resource
    group's name only shows that some service of Microsoft's made the connection.
    """
    home = home_of(connection.private_endpoint_id)
    endpoints = factory.endpoints if factory is not None else None
    if any(home_of(one.private_endpoint_id) == home for one in endpoints or () if one.private_endpoint_id):
        return "home"
    wanted = "requested by datafactory:{}, name:{}".format(*names)
    if folded(connection.description).startswith(folded(wanted)):
        return "description"
    segments = home.strip("/").split("/")
    return "network" if len(segments) > 3 and _HIDDEN_GROUP.fullmatch(segments[3]) else None


def is_made_by_a_service(connection: Connection) -> bool:
    """True if a service of Microsoft's made a connection, as far as the connection itself shows."""
    segments = home_of(connection.private_endpoint_id).strip("/").split("/")
    is_hidden = len(segments) > 3 and _HIDDEN_GROUP.fullmatch(segments[3]) is not None
    return is_hidden or folded(connection.description).startswith("requested by datafactory:")


def _row(
    one: SeenConnection, names: tuple[str, str], factory: KnownFactory | None, *, is_proven: bool
) -> OrphanConnection:
    name, endpoint = names
    # Factory names are unique across Azure (docs), so the name identifies the factory if this caller can see it.
    if factory is None:
        reason = f"This caller cannot see a factory {name!r}: it is gone, or hidden from this caller."
    elif factory.endpoints is None:
        reason = "The factory's endpoints cannot be read."
    elif (namesake := _namesake(endpoint, factory)) is None:
        reason = "The factory has no endpoint of this name."
    elif same_id(namesake.resource_id, one.target_id):
        reason = "The factory's endpoint of this name has another private endpoint."
    else:
        reason = f"The factory's endpoint of this name points to {namesake.resource_id}."
    if not is_proven:
        reason += " Only the description says that the connection is the factory's, and anyone can write that."
    return OrphanConnection(
        target_id=one.target_id,
        connection_id=one.connection.id,
        private_endpoint_id=one.connection.private_endpoint_id,
        factory=str(factory.id) if factory else name,
        endpoint=endpoint,
        status=one.connection.status,
        certain=is_proven,
        reason=reason,
    )


def suspects(
    account: Account | None, account_id: ArmId, factories: Sequence[KnownFactory], *, gone: Sequence[str] = ()
) -> tuple[ArmId, ...]:
    """Targets of endpoints, if the account does not use them and they may be gone: Azure has to be asked about them.

    `gone` are targets that the account names but that do not exist.
    """
    found = (ArmId.parse(one.resource_id) for _, one in _suspected(account, account_id, factories, gone))
    return tuple(dict.fromkeys(found))


def orphan_endpoints(
    account: Account | None,
    account_id: ArmId,
    factories: Sequence[KnownFactory],
    exists: Mapping[ArmId, bool | None],
    *,
    gone: Sequence[str] = (),
) -> tuple[OrphanEndpoint, ...]:
    """The endpoints whose target is gone; `exists` is None if that could not be read."""
    rows: list[OrphanEndpoint] = []
    for factory, endpoint in _suspected(account, account_id, factories, gone):
        there = exists.get(ArmId.parse(endpoint.resource_id))
        disconnected = endpoint.connection_status.casefold() == "disconnected"
        if there is True or (there is None and not disconnected):
            continue
        rows.append(
            OrphanEndpoint(
                target_id=endpoint.resource_id,
                private_endpoint_id=endpoint.private_endpoint_id,
                factory=str(factory.id),
                endpoint=endpoint.name,
                group_id=endpoint.group_id,
                certain=there is False,
                reason="The target does not exist."
                if there is False
                else "The target cannot be read, and the endpoint is Disconnected.",
            )
        )
    return tuple(rows)


def _suspected(
    account: Account | None, account_id: ArmId, factories: Sequence[KnownFactory], gone: Sequence[str]
) -> Iterator[tuple[KnownFactory, Endpoint]]:
    """The endpoints of the factories that serve this account, without those to resources that it uses now."""
    current = [target.resource_id for target in account.targets] if account else []
    there = [target for target in current if not any(same_id(target, one) for one in gone)]
    for factory in factories:
        endpoints = factory.endpoints or ()
        serves = same_id(factory.purview_account, account_id) or any(
            same_id(endpoint.resource_id, target) for endpoint in endpoints for target in (*current, str(account_id))
        )
        for endpoint in endpoints if serves else ():
            if (
                not endpoint.reserved
                and endpoint.group_id.casefold() in _GROUPS
                and not any(same_id(endpoint.resource_id, target) for target in there)
                and _is_a_target(endpoint.resource_id)
            ):
                yield factory, endpoint


def _is_a_target(resource_id: str) -> bool:
    try:
        arm_id = ArmId.parse(resource_id)
    except InvalidArmId:
        return False
    return any(arm_id.is_a(kind) for kind in TARGET_TYPES)


def _named_by(connection: Connection) -> tuple[str, str] | None:
    """The names of factory and endpoint, if the private endpoint's name has the form that Data Factory gives."""
    factory, dot, endpoint = last_segment(connection.private_endpoint_id).partition(".")
    well_formed = dot and naming.dashed_name_problem("factory", factory) is None and naming.is_endpoint_name(endpoint)
    return (factory, endpoint) if well_formed else None
