"""Both sides of every endpoint, once or until nothing changes any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.io import remaining
from purview_mpe._model.arm_id import ArmId
from purview_mpe._rules.capacity import capacity_findings, loads
from purview_mpe._rules.planning import needed_targets
from purview_mpe._rules.verdicts import judge, target_statuses
from purview_mpe.errors import WaitTimedOut

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Endpoint, Finding, Status, Target
    from purview_mpe._model.spec import Spec


async def status(io: Io, spec: Spec) -> Status:
    """What the factory and every target show; a target that cannot be read is reported, not guessed."""
    if (account_id := spec.account_id) is None:
        account_id = await reads.connected_account(io, spec)
    account, endpoints = await reads.both(io, reads.read_account(io, account_id), reads.list_endpoints_alone(io, spec))
    targets = needed_targets(spec, account)
    statuses, findings = await read_target_statuses(io, spec, account, targets, endpoints)
    return judge(spec, account, targets, endpoints, target_status=statuses, findings=(*account.warnings, *findings))


async def read_target_statuses(
    io: Io, spec: Spec, account: Account, targets: Sequence[Target], endpoints: Sequence[Endpoint]
) -> tuple[Mapping[str, str | None], tuple[Finding, ...]]:
    """The states of the endpoints' connections as the targets show them, by group id, and the findings."""
    listings = await connections.list_targets(io, ArmId.parse(account.id), targets)
    statuses, findings = target_statuses(spec, targets, endpoints, listings)
    return statuses, (*findings, *capacity_findings(loads(targets, listings)))


@dataclass
class Watch:
    """Reads until nothing changes any more or the time runs out; each `round` reads until something is new.

    A watch does not wait for endpoints that are unknown because the account cannot be read.
    """

    io: Io
    spec: Spec
    every: float
    """Seconds between two reads."""
    is_over: bool = field(init=False, default=False)
    _last: Status | None = field(init=False, default=None)

    async def round(self) -> list[Status]:
        """The next status that differs from the last one; an empty list if the time runs out first."""
        while not self.is_over:
            if self._last is not None:
                if remaining(self.io) <= self.every:
                    break
                await self.io.sleep(self.every)
            try:
                found = await status(self.io, self.spec)
            except WaitTimedOut:
                break  # the deadline came during the read, and an incomplete read is not a status
            if found != self._last:
                self._last = found
                self.is_over = not found.is_moving
                return [found]
        self.is_over = True
        return []

    async def close(self) -> list[Status]:
        """Return an empty list: nothing is under way between two reads."""
        return []
