"""The targets' side: listing connections, and deciding one. Each of the four lists has its own client and call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import poll_interval, when_free
from purview_mpe._model.arm_id import ArmId, last_segment, same_id
from purview_mpe._rules.ownership import Listing
from purview_mpe._wire import connections as wire
from purview_mpe._wire.errors import Attempt, is_busy
from purview_mpe.errors import NotApproved, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Clients, Io
    from purview_mpe._model.results import Connection, ConnectionList, Identity, Target
    from purview_mpe._wire.account import Json
    from purview_mpe._wire.connections import Decision

#: Smallest built-in role that decides a connection (docs; those for ingestion are not published).
APPROVER_ROLES: Mapping[ConnectionList, str] = {
    "account": "Contributor",
    "ingestion": "Contributor",
    "storage": "Storage Account Contributor",
    "namespace": "Contributor",
}
#: States in which a decision may still be asked for: somebody else's decision is not overruled.
_MAY_FOLLOW = frozenset({"pending", ""})


async def list_targets(io: Io, account_id: ArmId, targets: Sequence[Target]) -> dict[Identity, Listing]:
    """What every target shows, by identity; each distinct list is read once, all together."""
    places: list[tuple[ConnectionList, ArmId]] = list(
        dict.fromkeys((target.connections, holder_of(account_id, target)) for target in targets)
    )
    listings = dict(zip(places, await io.gather([list_connections(io, *place) for place in places]), strict=True))
    return {target.identity: listings[target.connections, holder_of(account_id, target)] for target in targets}


async def decide(io: Io, account_id: ArmId, target: Target, connection: Connection, decision: Decision) -> None:
    """Approve or reject one connection, and read back that it is so.

    What the call itself answers is not believed either way: the SDK's pollers raise after an approval that succeeded
    (Purview's samples put the resource's own URL into `Azure-AsyncOperation`), and Event Hubs may answer 202 with an
    empty body, which its SDK cannot read.

    Raises:
        PurviewMpeError: what the call raised, if reading back shows that nothing was decided.
        NotApproved: the target shows another decision, which is somebody else's and stays; or none until the time is
            over.
    """
    holder = holder_of(account_id, target)
    failure: PurviewMpeError | None = None
    try:
        await write_when_free(io, account_id, target, connection, decision)
    except NotApproved:
        raise
    except PurviewMpeError as error:
        failure = error
    if failure is not None and failure.status in {401, 403}:
        raise failure
    status = await _status(io, holder, target.connections, connection, failure)
    if failure is not None and status.casefold() in _MAY_FOLLOW:
        raise failure
    began = io.now()
    while status.casefold() != decision.casefold():
        if (wait := poll_interval(io.now() - began)) >= remaining(io) or status.casefold() not in _MAY_FOLLOW:
            raise _decided_otherwise(holder, connection, decision, status)
        await io.sleep(wait)
        status = await _status(io, holder, target.connections, connection, None)


async def write_when_free(
    io: Io, account_id: ArmId, target: Target, connection: Connection, decision: Decision
) -> None:
    """Ask for the decision until Azure is not busy; before each further time, look whether it still is to be made."""
    holder = holder_of(account_id, target)
    refusal: PurviewMpeError | None = None

    async def write() -> None:
        nonlocal refusal
        if refusal is not None:
            status = await _status(io, holder, target.connections, connection, refusal)
            if status.casefold() == decision.casefold():
                return
            if status.casefold() not in _MAY_FOLLOW:
                raise _decided_otherwise(holder, connection, decision, status)
        try:
            await write_decision(io, account_id, target, connection, decision)
        except PurviewMpeError as error:
            refusal = error
            raise

    await when_free(io, write, is_busy=is_busy)


def _decided_otherwise(holder: ArmId, connection: Connection, decision: Decision, status: str) -> NotApproved:
    return NotApproved(
        f"The connection {_called(connection)!r} was to be {decision}, and {holder.name!r} shows it as "
        f"{status or 'nothing'}.",
        remedy="Look at the connection in the portal; if somebody else decided otherwise, talk to them.",
    )


def _called(connection: Connection) -> str:
    """The connection's name; where Azure tells none, that of the private endpoint behind it."""
    return connection.name or last_segment(connection.private_endpoint_id)


async def write_decision(io: Io, account_id: ArmId, target: Target, connection: Connection, decision: Decision) -> None:
    """Ask for the decision; whether it came true is for a later look to say."""
    holder, kind = holder_of(account_id, target), target.connections
    verb = "approve" if decision == "Approved" else "reject"
    attempt = Attempt(
        f"{verb} the connection {_called(connection)!r} on {holder.name!r}",
        str(holder),
        APPROVER_ROLES[kind],
    )
    if kind != "ingestion":
        if not connection.name:
            raise NotApproved(
                f"Could not {attempt.what}: the list tells neither name nor id of the connection.",
                remedy="Repeat the call; if it happens again, decide on the target's Networking page in the portal.",
            )
        body = wire.decision_body(decision, connection.description)
        await io.call(attempt, lambda az: _put(az, holder, kind, connection.name, body))
        return
    try:
        await _post(io, attempt, holder, connection.private_endpoint_id, decision)
    except PurviewMpeError as error:
        if error.status not in {400, 404} or not connection.id:
            raise
        await _post(io, attempt, holder, connection.id, decision)


def _put(az: Clients, holder: ArmId, kind: ConnectionList, name: str, body: Json) -> Any:
    group, resource = holder.resource_group, holder.name
    if kind == "account":
        connections = az.purview(holder).private_endpoint_connections
        return connections.begin_create_or_update(group, resource, name, body, polling=False)
    if kind == "storage":
        return az.storage(holder).private_endpoint_connections.put(group, resource, name, body)
    return az.eventhub(holder).private_endpoint_connections.create_or_update(group, resource, name, body)


async def _post(io: Io, attempt: Attempt, account_id: ArmId, subject: str, decision: Decision) -> None:
    body = wire.ingestion_body(decision, subject)
    await io.call(
        attempt,
        lambda az: az.purview(account_id).ingestion_private_endpoint_connections.update_status(
            account_id.resource_group, account_id.name, body
        ),
    )


async def _status(
    io: Io, holder: ArmId, kind: ConnectionList, connection: Connection, failure: PurviewMpeError | None
) -> str:
    """What the target says now; the failure of the decision itself says more than that of looking."""
    listing = await list_connections(io, kind, holder)
    if listing.error is not None:
        raise failure or listing.error
    for listed in listing.connections:
        if listed.id.casefold() == connection.id.casefold() and same_id(
            listed.private_endpoint_id, connection.private_endpoint_id
        ):
            return listed.status
    return ""


async def list_connections(io: Io, kind: ConnectionList, holder: ArmId) -> Listing:
    what = "ingestion private endpoint connections" if kind == "ingestion" else "private endpoint connections"
    attempt = Attempt(f"list the {what} of {holder.name!r}", str(holder), "Reader")
    try:
        items = await io.collect(attempt, lambda az: _list(az, kind, holder))
    except WaitTimedOut:
        raise
    except PurviewMpeError as error:
        return Listing(error=error)
    return Listing(tuple(connection for item in items if (connection := wire.read_connection(item)) is not None))


def _list(az: Clients, kind: ConnectionList, holder: ArmId) -> Any:
    group, resource = holder.resource_group, holder.name
    match kind:
        case "account":
            return az.purview(holder).private_endpoint_connections.list_by_account(group, resource)
        case "ingestion":
            return az.purview(holder).ingestion_private_endpoint_connections.list(group, resource)
        case "storage":
            return az.storage(holder).private_endpoint_connections.list(group, resource)
        case "namespace":
            return az.eventhub(holder).private_endpoint_connections.list(group, resource)


def holder_of(account_id: ArmId, target: Target) -> ArmId:
    """The resource whose list shows the connection; for ingestion storage that is the account."""
    return account_id if target.connections == "ingestion" else ArmId.parse(target.resource_id)
