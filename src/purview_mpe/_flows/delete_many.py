"""Deleting the endpoints of many specs, and nothing else; each factory at its own pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from purview_mpe._flows import delete_all
from purview_mpe._flows.steps import fleet_reports, shared
from purview_mpe._flows.steps.fleet import FleetWork, Member
from purview_mpe._flows.steps.schedule import Cost
from purview_mpe._flows.steps.shared import Shared
from purview_mpe._flows.steps.waiting import poll_interval
from purview_mpe.errors import PurviewMpeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from purview_mpe._flows.delete_all import Takedown
    from purview_mpe._flows.steps.io import Io
    from purview_mpe._model.arm_id import ArmId
    from purview_mpe._model.results import Account, Report
    from purview_mpe._model.spec import Spec

Item: TypeAlias = "tuple[int, Spec]"

#: The work queues, each with its share of concurrent work.
_QUEUES = {"looks": 0.4, **shared.QUEUES}
#: Deletions that a factory usually needs, all sent together.
_USUAL_DELETIONS = 4


@dataclass(eq=False)
class _Factory(Member):
    """A factory whose endpoints are deleted."""

    work: Takedown | None = None
    """None until its endpoints were listed."""
    asked_at: float = float("inf")
    """When its deletions had been sent."""


class DeletingFleet(FleetWork[_Factory]):
    """One run over many factories.

    `timeout` applies to each factory, from the moment at which its deletions have been sent.
    """

    verb: ClassVar[str] = "delete_many"

    def __init__(self, io: Io, items: Iterable[Item], *, dry_run: bool, timeout: float) -> None:
        super().__init__(io, [_Factory(index, spec) for index, spec in items], _QUEUES)
        self._dry_run, self._timeout = dry_run, timeout
        self._accounts: Shared[ArmId, Account] = Shared(
            io, self.schedule, lambda account_id: account_id, lambda account_id: delete_all.read_account(io, account_id)
        )

    def admit(self, member: _Factory) -> None:
        """Find the account, which several factories may share."""
        self.find_account(
            member,
            lambda account_id: self._accounts.need(account_id, lambda found: self._take_down(member, found)),
            lambda failure: self._fail(member, failure),
        )

    def cut_off(self, member: _Factory) -> Report:
        """What was deleted so far, and what timed out."""
        if member.work is None:
            return fleet_reports.not_begun(member.spec, approve=False, verb="delete_all")
        member.work.time_out()
        return member.work.report()

    def _take_down(self, member: _Factory, account: Account | PurviewMpeError) -> None:
        """List the factory's endpoints, and send the deletions right after that."""
        if isinstance(account, PurviewMpeError):
            self._fail(member, account)
            return

        async def flow() -> None:
            work = member.work = await delete_all.prepared(self.io, member.spec, account)
            work.settle()
            if self._dry_run:
                work.report_planned()
            else:
                await work.delete()

        def then(failure: PurviewMpeError | None) -> None:
            member.asked_at = self.io.now()
            if failure is not None:
                self._fail(member, failure)
            else:
                self._go_on(member)

        costs = [Cost("GET", member.spec.factory_id, 1)]
        if not self._dry_run:
            costs.append(Cost("DELETE", member.spec.factory_id, _USUAL_DELETIONS))
        self.submit(member, "factories", flow, then, *costs)

    def _go_on(self, member: _Factory) -> None:
        """Look again while Azure still lists an endpoint, and report the factory afterwards."""
        work, now = member.work, self.io.now()
        if work is None or self.is_ending or not work.asked or now - member.asked_at >= self._timeout:
            self.finish(member, self.cut_off(member))
            return

        async def flow() -> None:
            await work.look()

        def then(failure: PurviewMpeError | None) -> None:
            if failure is not None:
                work.give_up(failure)
            self._go_on(member)

        at = min(now + poll_interval(now - member.asked_at), member.asked_at + self._timeout)
        self.submit(member, "looks", flow, then, Cost("GET", member.spec.factory_id, 1), at=at)

    def _fail(self, member: _Factory, failure: PurviewMpeError) -> None:
        self.finish(member, fleet_reports.failed(member.spec, failure, approve=False, verb="delete_all"))
