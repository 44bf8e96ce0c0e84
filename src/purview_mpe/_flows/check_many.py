"""The check of many factories: each account, its policy and each target is read once for all of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from purview_mpe._flows import check
from purview_mpe._flows.steps import targets as connections
from purview_mpe._flows.steps.crowd import crowd
from purview_mpe._flows.steps.narration import tell_read
from purview_mpe._flows.steps.survey import (
    AccountSide,
    FactorySide,
    account_of,
    account_side,
    factory_side,
    situation,
    with_curators,
)
from purview_mpe._model.arm_id import ArmId
from purview_mpe._model.fleet_looks import FactoryCheck, FleetCheck
from purview_mpe._model.results import ErrorDetail
from purview_mpe._rules.lanes import interleaved
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from purview_mpe._flows.steps.approvals import Place
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.results import Account, Target
    from purview_mpe._model.spec import Spec
    from purview_mpe._model.survey import Situation
    from purview_mpe._rules.ownership import Listing


@dataclass
class _Member:
    """One factory, as far as it was read."""

    spec: Spec
    side: FactorySide | None = None
    account_id: ArmId | None = None
    error: PurviewMpeError | None = None


@dataclass
class _Reading:
    """Everything that is read, and the results."""

    io: Io
    members: Sequence[_Member]
    accounts: dict[ArmId, AccountSide | PurviewMpeError] = field(
        default_factory=dict[ArmId, "AccountSide | PurviewMpeError"]
    )
    listings: dict[Place, Listing] = field(default_factory=dict["Place", "Listing"])

    async def factory(self, member: _Member) -> None:
        try:
            side = member.side = await factory_side(self.io, member.spec)
            member.account_id = account_of(member.spec, side)
        except PurviewMpeError as error:
            member.error = error
        tell_read(self.io, "check", member.spec)

    async def account(self, account_id: ArmId) -> None:
        try:
            side = await account_side(self.io, account_id)
            asked = any(one.side and one.side.principal for one in self.members if one.account_id == account_id)
            self.accounts[account_id] = await with_curators(self.io, side) if asked else side
        except PurviewMpeError as error:
            self.accounts[account_id] = error

    async def place(self, place: Place) -> None:
        self.listings[place] = await connections.list_connections(self.io, *place)

    def situation_of(self, member: _Member) -> Situation | None:
        """Both sides of a factory. If one of them is not known: None, and `member.error` is set."""
        of_account: AccountSide | PurviewMpeError = AccountSide()
        if member.account_id is not None:
            of_account = self.accounts[member.account_id]
        if isinstance(of_account, PurviewMpeError):
            member.error = of_account
        if member.error is not None or member.side is None or isinstance(of_account, PurviewMpeError):
            return None
        return situation(member.spec, member.side, of_account)

    def check_of(self, member: _Member) -> FactoryCheck:
        if (found := self.situation_of(member)) is None:
            return FactoryCheck(spec=member.spec, error=ErrorDetail.of(member.error) if member.error else None)
        listings = {target.identity: self.listings[place] for place, target in _places(found)}
        return FactoryCheck(spec=member.spec, check=check.judged(found, listings))


async def check_many(io: Io, specs: Sequence[Spec]) -> FleetCheck:
    """Whether everything is in place for every factory; a factory that cannot be read gets an error."""
    reading = _Reading(io, [_Member(spec) for spec in specs])
    await crowd(io, interleaved(reading.members, lambda member: member.spec.factory_id.subscription), reading.factory)
    await crowd(io, deque(dict.fromkeys(m.account_id for m in reading.members if m.account_id)), reading.account)
    situations = [found for member in reading.members if (found := reading.situation_of(member)) is not None]
    await crowd(io, deque(dict.fromkeys(place for one in situations for place, _ in _places(one))), reading.place)
    return FleetCheck(factories=tuple(reading.check_of(member) for member in reading.members))


def _places(found: Situation) -> list[tuple[Place, Target]]:
    """The connection lists that the check needs, each with its target."""
    account: Account | None = found.account
    if account is None:
        return []
    account_id = ArmId.parse(account.id)
    targets = check.listed_targets(found)
    return [((target.connections, connections.holder_of(account_id, target)), target) for target in targets]
