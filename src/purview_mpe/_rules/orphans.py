"""What is left over: connections without an endpoint, endpoints without a target. Pure functions.

Nothing is called gone on a guess. A connection tells no factory's id, only the name of its private endpoint,
`<factory>.<endpoint>` (recorded), so a factory that is not among those that were read may be gone, or in a
subscription that this caller does not see: such a row is never certain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from purview_mpe._model import naming
from purview_mpe._model.arm_id import ArmId, InvalidArmId, last_segment, same_id
from purview_mpe._model.checkup import OrphanConnection, OrphanEndpoint
from purview_mpe._model.spec import ACCOUNT_TYPE, NAMESPACE_TYPE, STORAGE_TYPE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from purview_mpe._model.results import Account, Connection, Endpoint
    from purview_mpe._model.survey import KnownFactory

#: Types of resources that endpoints of this job point to, and whose existence can be asked for.
TARGET_TYPES = (ACCOUNT_TYPE, STORAGE_TYPE, NAMESPACE_TYPE)
_GROUPS = frozenset((*naming.LINEAGE_GROUPS, *naming.OPTIONAL_GROUPS))
#: The resource group of Data Factory's hidden private endpoints: `vnet-92b2afd7-northeurope-55-rg` (recorded).
_HIDDEN_GROUP = re.compile(r"vnet-[0-9a-f]{8}-.+-rg", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SeenConnection:
    """A connection, and the target that shows it."""

    target_id: str
    connection: Connection


def concerns(factory: KnownFactory, account_id: ArmId, seen: Iterable[SeenConnection]) -> bool:
    """Whether a factory's endpoints have to be read.

    Those in the account's subscription, those connected to the account, and those that a connection names.
    """
    name = factory.id.name.casefold()
    return (
        factory.id.subscription.casefold() == account_id.subscription.casefold()
        or same_id(factory.purview_account, account_id)
        or any((names := _named_by(one.connection)) and names[0].casefold() == name for one in seen)
    )


def orphan_connections(
    seen: Iterable[SeenConnection], factories: Sequence[KnownFactory]
) -> tuple[OrphanConnection, ...]:
    """The connections that Data Factory made and that no endpoint of a known factory uses."""
    by_name = {factory.id.name.casefold(): factory for factory in factories}
    rows = (_orphan_connection(one.target_id, one.connection, by_name) for one in seen)
    return tuple(row for row in rows if row is not None)


def _orphan_connection(
    target_id: str, connection: Connection, factories: Mapping[str, KnownFactory]
) -> OrphanConnection | None:
    if (names := _named_by(connection)) is None:
        return None
    name, endpoint = names
    # Names of factories are unique in all of Azure (docs), so a name finds the factory if it can be seen at all.
    if (factory := factories.get(name.casefold())) is None:
        if not _is_data_factorys(connection, name, endpoint):
            return None
        certain, reason = False, f"No factory {name!r} can be seen from here: it is gone, or hidden from this caller."
    elif factory.endpoints is None:
        certain, reason = False, "The factory's endpoints cannot be read."
    else:
        namesake = next((one for one in factory.endpoints if one.name.casefold() == endpoint.casefold()), None)
        if namesake is None:
            certain, reason = True, "The factory has no endpoint of this name."
        elif not same_id(namesake.resource_id, target_id):
            certain, reason = True, f"The factory's endpoint of this name points to {namesake.resource_id}."
        elif namesake.private_endpoint_id is None or same_id(
            namesake.private_endpoint_id, connection.private_endpoint_id
        ):
            return None
        else:
            certain, reason = False, "The factory's endpoint of this name has another private endpoint."
    return OrphanConnection(
        target_id=target_id,
        connection_id=connection.id,
        private_endpoint_id=connection.private_endpoint_id,
        factory=str(factory.id) if factory else name,
        endpoint=endpoint,
        status=connection.status,
        certain=certain,
        reason=reason,
    )


def suspects(
    account: Account | None, account_id: ArmId, factories: Sequence[KnownFactory], *, gone: Sequence[str] = ()
) -> tuple[ArmId, ...]:
    """The targets of endpoints that the account does not use and that may be gone: they have to be asked for.

    `gone` are targets that the account names and that were not there.
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
    """The endpoints whose target is gone; `exists` is None where that could not be read."""
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
    """The endpoints of the factories that serve this account, less those that point to what it uses now."""
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
    """Factory and endpoint, if the private endpoint is called as Data Factory calls them."""
    factory, dot, endpoint = last_segment(connection.private_endpoint_id).partition(".")
    well_formed = (
        dot
        and naming.dashed_name_problem("factory", factory) is None
        and naming.endpoint_name_problem(endpoint) is None
    )
    return (factory, endpoint) if well_formed else None


def _is_data_factorys(connection: Connection, factory: str, endpoint: str) -> bool:
    """Whether a connection of an unseen factory is Data Factory's at all, and not one of somebody's own.

    By its hidden resource group, or by its description, which is overwritten when somebody approves (recorded).
    """
    segments = connection.private_endpoint_id.strip("/").split("/")
    if len(segments) > 3 and _HIDDEN_GROUP.fullmatch(segments[3]):
        return True
    wanted = f"requested by datafactory:{factory}, name:{endpoint}".casefold()
    return connection.description.casefold().startswith(wanted)
