"""The status of many factories: each account and each target is read once for all of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows.steps import reads
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.crowd import crowd
from purview_mpe._flows.steps.narration import tell_read
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.fleets import FactoryStatus, FleetStatus
from purview_mpe._model.results import Account, ErrorDetail, Target
from purview_mpe._rules.capacity import capacity_findings, loads
from purview_mpe._rules.lanes import interleaved
from purview_mpe._rules.planning import needed_targets
from purview_mpe._rules.register import Register
from purview_mpe._rules.verdicts import claims_of, judge, target_statuses
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.approvals import Place
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Endpoint
    from purview_mpe._model.spec import Spec
    from purview_mpe._rules.ownership import Listing


@dataclass
class _Member:
    """One factory, as far as it was read."""

    spec: Spec
    account_id: ArmId | None = None
    endpoints: Sequence[Endpoint] = ()
    error: PurviewMpeError | None = None


@dataclass
class _Reading:
    """Everything that is read, and the results."""

    io: Io
    members: Sequence[_Member]
    accounts: dict[ArmId, Account | PurviewMpeError] = field(default_factory=dict[ArmId, "Account | PurviewMpeError"])
    listings: dict[Place, Listing] = field(default_factory=dict["Place", "Listing"])
    registers: dict[Place, Register] = field(default_factory=dict["Place", Register])

    async def factory(self, member: _Member) -> None:
        try:
            member.account_id = member.spec.account_id or await reads.connected_account(self.io, member.spec)
            member.endpoints = await reads.list_endpoints_alone(self.io, member.spec)
        except PurviewMpeError as error:
            member.error = error
        tell_read(self.io, "status", member.spec)

    async def account(self, account_id: ArmId) -> None:
        try:
            self.accounts[account_id] = await reads.read_account(self.io, account_id)
        except PurviewMpeError as error:
            self.accounts[account_id] = error

    async def place(self, place: Place) -> None:
        listing = self.listings[place] = await connections.list_connections(self.io, *place)
        self.registers[place] = Register(listing)

    def targets_of(self, member: _Member) -> tuple[Account, tuple[Target, ...]] | None:
        """The account and targets of a factory. If they are not known: None, and `member.error` is set."""
        if member.error is not None or member.account_id is None:
            return None
        account = self.accounts[member.account_id]
        if isinstance(account, PurviewMpeError):
            member.error = account
            return None
        try:
            return account, needed_targets(member.spec, account)
        except PurviewMpeError as error:
            member.error = error
            return None

    def status_of(self, member: _Member) -> FactoryStatus:
        if (found := self.targets_of(member)) is None:
            return FactoryStatus(spec=member.spec, error=ErrorDetail.of(member.error) if member.error else None)
        account, targets = found
        spec, factory = member.spec, member.spec.factory_id.name
        places = {t.identity: self.registers[_place(account, t)] for t in targets}
        listings = {
            claim.identity: places[claim.identity].for_claim(factory, claim)
            for claim in claims_of(targets, member.endpoints)
        }
        statuses, findings = target_statuses(spec, targets, member.endpoints, listings)
        room = capacity_findings(loads(targets, {t.identity: self.listings[_place(account, t)] for t in targets}))
        return FactoryStatus(
            spec=spec,
            status=judge(
                spec,
                account,
                targets,
                member.endpoints,
                target_status=statuses,
                findings=(*account.warnings, *findings, *room),
            ),
        )


async def status_many(io: Io, specs: Sequence[Spec]) -> FleetStatus:
    """Both sides of every endpoint of every factory; a factory that cannot be read gets an error."""
    reading = _Reading(io, [_Member(spec) for spec in specs])
    await crowd(io, interleaved(reading.members, lambda member: member.spec.factory_id.subscription), reading.factory)
    await crowd(io, deque(dict.fromkeys(m.account_id for m in reading.members if m.account_id)), reading.account)
    places = dict.fromkeys(
        _place(account, target)
        for member in reading.members
        if (found := reading.targets_of(member)) is not None
        for account, targets in (found,)
        for target in targets
    )
    await crowd(io, deque(places), reading.place)
    return FleetStatus(factories=tuple(reading.status_of(member) for member in reading.members))


def _place(account: Account, target: Target) -> Place:
    return target.connections, connections.holder_of(ArmId.parse(account.id), target)
