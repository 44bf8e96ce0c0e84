"""The targets' side: listing connections, and deciding one. Each of the four lists has its own client and call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from purview_mpe._flows.steps.io import remaining
from purview_mpe._flows.steps.waiting import carried_out, poll_interval
from purview_mpe._model.arm_id import ArmId, folded, last_segment, same_id
from purview_mpe._rules.ownership import Listing
from purview_mpe._wire import connections as wire
from purview_mpe._wire.errors import Attempt
from purview_mpe.errors import NotApproved, PolicyDenied, PurviewMpeError, WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Clients, Io
    from purview_mpe._model.results import Connection, ConnectionList, Identity, Target
    from purview_mpe._model.states import Decision
    from purview_mpe._wire.account import Json

#: Smallest built-in role that allows a decision, by kind of list (docs; the role for ingestion is not published).
APPROVER_ROLES: Mapping[ConnectionList, str] = {
    "account": "Contributor",
    "ingestion": "Contributor",
    "storage": "Storage Account Contributor",
    "namespace": "Contributor",
}
#: States in which a decision can still be made: another person's decision is not overruled.
_UNDECIDED = frozenset({"pending", ""})


async def list_targets(io: Io, account_id: ArmId, targets: Sequence[Target]) -> dict[Identity, Listing]:
    """What every target shows, by identity; each distinct list is read once, all of them concurrently."""
    places: list[tuple[ConnectionList, ArmId]] = list(
        dict.fromkeys((target.connections, holder_of(account_id, target)) for target in targets)
    )
    listings = dict(zip(places, await io.gather([list_connections(io, *place) for place in places]), strict=True))
    return {target.identity: listings[target.connections, holder_of(account_id, target)] for target in targets}


async def decide(
    io: Io,
    account_id: ArmId,
    target: Target,
    connection: Connection,
    decision: Decision,
    *,
    seen_at: float | None = None,
) -> None:
    """Approve or reject one connection, and read it back to confirm; `seen_at` is when it was seen to be pending.

    The call's own answer is never trusted: the SDK's pollers raise after an approval that succeeded
    (Purview's samples put the resource's own URL into `Azure-AsyncOperation`), and Event Hubs may answer 202 with an
    empty body, which its SDK cannot read.

    Raises:
        PurviewMpeError: what the call raised, if reading back shows that nothing was decided.
        NotApproved: the target shows another decision, which stays, or no decision before the time runs out.
    """
    holder = holder_of(account_id, target)
    if await write_when_free(io, account_id, target, connection, decision, seen_at=seen_at):
        return
    began = io.now()
    while True:
        status = await _status(io, holder, target.connections, connection)
        if _is(status, decision):
            return
        if (wait := poll_interval(io.now() - began)) >= remaining(io) or not _is_undecided(status or ""):
            raise _decided_otherwise(holder, connection, decision, status)
        await io.sleep(wait)


async def write_when_free(
    io: Io,
    account_id: ArmId,
    target: Target,
    connection: Connection,
    decision: Decision,
    *,
    seen_at: float | None = None,
) -> bool:
    """Send the decision until Azure accepts it; return whether the target already shows it.

    Before each repetition, and before the first time if the connection was read a while ago, it checks whether the
    decision is still needed: another decision stays, and nothing is sent for a connection that is gone.
    """
    holder = holder_of(account_id, target)
    if target.connections != "ingestion" and not connection.name:
        verb = "approve" if decision == "Approved" else "reject"
        raise NotApproved(
            f"Could not {verb} the connection {_called(connection)!r} on {holder.name!r}: the list shows neither the "
            "name nor the id of the connection.",
            remedy="Repeat the call; if it happens again, decide on the target's Networking page in the portal.",
        )

    async def write() -> bool:
        await write_decision(io, account_id, target, connection, decision)
        return False

    async def look(_: bool) -> bool | None:
        status = await _status(io, holder, target.connections, connection)
        if _is(status, decision):
            return True
        if status is None or not _is_undecided(status):
            raise _decided_otherwise(holder, connection, decision, status)
        return None

    return await carried_out(io, write, look=look, seen_at=seen_at)


def _is(status: str | None, decision: Decision) -> bool:
    return status is not None and status.casefold() == decision.casefold()


def _is_undecided(status: str) -> bool:
    return status.casefold() in _UNDECIDED


def _decided_otherwise(holder: ArmId, connection: Connection, decision: Decision, status: str | None) -> NotApproved:
    return NotApproved(
        f"The connection {_called(connection)!r} should be {decision}, but {holder.name!r} shows "
        f"{f'it as {status}' if status else 'no state for it'}.",
        remedy="Look at the connection in the portal; if another person made a different decision, talk to them.",
    )


def _called(connection: Connection) -> str:
    """The connection's name; if Azure gives none, that of the private endpoint behind it."""
    return connection.name or last_segment(connection.private_endpoint_id)


async def write_decision(io: Io, account_id: ArmId, target: Target, connection: Connection, decision: Decision) -> None:
    """Send the decision; a later read shows whether it took effect."""
    holder, kind = holder_of(account_id, target), target.connections
    verb = "approve" if decision == "Approved" else "reject"
    attempt = Attempt(
        f"{verb} the connection {_called(connection)!r} on {holder.name!r}",
        str(holder),
        APPROVER_ROLES[kind],
        approves=decision == "Approved",
    )
    if kind != "ingestion":
        plain, identified = wire.decision_bodies(decision, connection)
        try:
            await io.call(attempt, lambda az: _put(az, holder, kind, connection.name, plain))
        except PolicyDenied:
            await io.call(attempt, lambda az: _put(az, holder, kind, connection.name, identified))
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


async def _status(io: Io, holder: ArmId, kind: ConnectionList, connection: Connection) -> str | None:
    """The connection as the target shows it now; None if the target does not list it."""
    listing = await list_connections(io, kind, holder)
    if listing.error is not None:
        raise listing.error
    for listed in listing.connections:
        # Items of the ingestion list may come without an id.
        is_same = folded(listed.id) == folded(connection.id)
        if is_same and same_id(listed.private_endpoint_id, connection.private_endpoint_id):
            return listed.status
    return None


async def list_connections(io: Io, kind: ConnectionList, holder: ArmId) -> Listing:
    what = "ingestion private endpoint connections" if kind == "ingestion" else "private endpoint connections"
    attempt = Attempt(f"list the {what} of {holder.name!r}", str(holder), "Reader")
    try:
        items = await io.collect(attempt, lambda az: _list(az, kind, holder))
    except WaitTimedOut:
        raise
    except PurviewMpeError as error:
        return Listing(error=error)
    shown = tuple(connection for item in items if (connection := wire.read_connection(item)) is not None)
    return Listing(shown, at=io.now())


def _list(az: Clients, kind: ConnectionList, holder: ArmId) -> Any:
    group, resource = holder.resource_group, holder.name
    match kind:
        case "account":
            return az.purview(holder).private_endpoint_connections.list_by_account(group, resource)
        case "ingestion":
            return az.purview(holder).ingestion_private_endpoint_connections.list(group, resource)
        case "storage" | "namespace":
            return az.plain_list(holder, wire.list_url(kind, holder))


def holder_of(account_id: ArmId, target: Target) -> ArmId:
    """The resource whose list shows the connection; for ingestion storage that is the account."""
    return account_id if target.connections == "ingestion" else ArmId.parse(target.resource_id)
