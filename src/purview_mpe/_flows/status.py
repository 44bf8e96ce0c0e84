"""Both sides of every endpoint, once or until nothing changes any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.io import remaining
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules.capacity import capacity_findings, loads
from purview_mpe._rules.planning import needed_targets
from purview_mpe._rules.verdicts import judge, target_statuses

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Endpoint, Finding, Status, Target
    from purview_mpe._model.spec import Spec


async def status(io: Io, spec: Spec) -> Status:
    """What the factory and every target show; a target that may not be read is told, not guessed."""
    if (account_id := spec.account_id) is None:
        account_id = await reads.connected_account(io, spec)
    account, endpoints = await reads.both(io, reads.read_account(io, account_id), reads.list_endpoints_alone(io, spec))
    targets = needed_targets(spec, account)
    statuses, findings = await read_target_statuses(io, spec, account, targets, endpoints)
    return judge(spec, account, targets, endpoints, target_status=statuses, findings=(*account.warnings, *findings))


async def read_target_statuses(
    io: Io, spec: Spec, account: Account, targets: Sequence[Target], endpoints: Sequence[Endpoint]
) -> tuple[Mapping[str, str | None], tuple[Finding, ...]]:
    """What the targets say of our connections, by group id, and what could not be read."""
    listings = await connections.list_targets(io, ArmId.parse(account.id), targets)
    statuses, findings = target_statuses(spec, targets, endpoints, listings)
    return statuses, (*findings, *capacity_findings(loads(targets, listings)))


async def next_change(io: Io, spec: Spec, last: Status | None, *, every: float) -> Status | None:
    """The next status that differs from the last one; None once nothing is awaited any more, or the time is over.

    What is unknown because the account cannot be read is not waited for: waiting does not make it known.
    """
    if last is None:
        return await status(io, spec)
    while last.is_moving and remaining(io) > every:
        await io.sleep(every)
        if (now := await status(io, spec)) != last:
            return now
    return None
